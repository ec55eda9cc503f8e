"""One service whose clock is wrong. The database's and the others' are right."""

import asyncio

from deploy.chaos.scene import Scene

SERVICES = ("matching", "notify")
"""Those that no command goes to: with a clock an hour ahead every token has expired, and rightly so."""
HOUR = 3_600


async def hour_off(scene: Scene, seconds: float) -> None:
    """Let one service live an hour ahead, then an hour behind."""
    service = scene.dice.choice(SERVICES)
    try:
        for shift in (HOUR, -HOUR):
            await scene.platform.restart(service, I2PCC_CLOCK_SHIFT=str(shift))
            await asyncio.sleep(seconds / 2)
    finally:
        await scene.platform.restart(service)
