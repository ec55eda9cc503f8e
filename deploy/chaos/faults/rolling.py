"""Services that are restarted as an operator does it: no request fails, and none waits for long."""

import time

from deploy.chaos.load import CLOSED
from deploy.chaos.scene import Scene
from deploy.problems import Problem


async def restart(scene: Scene, seconds: float) -> None:
    """Restart one service after the other, each at least once; see that no request fails.

    A client may meet an idle connection just as it is closed, and ask once more.
    """
    end = time.monotonic() + seconds
    waits: list[float] = []
    while time.monotonic() < end or not waits:
        for service in scene.services:
            begin = time.monotonic()
            await scene.platform.renew([service])
            waits.append(time.monotonic() - begin)
    closed = [command for command in scene.ledger.commands if command.failures]
    slowest = max(command.waited for command in scene.ledger.acknowledged)
    scene.told.append(
        f"{len(waits)} restarts took {max(waits):.1f} s at most, an answer {slowest:.1f} s at most; "
        f"{len(closed)} commands met a connection that was being closed, and were sent once more"
    )
    if failed := [command for command in closed if command.failures != [CLOSED]]:
        raise Problem(f"{len(failed)} requests failed: {failed[0].failures} the first.")
