"""Processes that die: services at any moment and at the worst ones, Kafka, PostgreSQL."""

import asyncio
import time
from collections import Counter

from deploy.chaos.scene import PATIENCE, Scene, happens
from deploy.problems import Problem

POINTS = {"relay-published": 6, "consumer-committed": 3}
"""Where a service dies, and each how many times that it comes there."""
BACK = (2.0, 60.0)
"""Seconds after which Kafka is back, once each."""


async def services(scene: Scene, seconds: float) -> None:
    """Kill one, start it again, and so on."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        name = scene.dice.choice(scene.services)
        await scene.kill(name)
        await scene.platform.restart(name)
        await asyncio.sleep(scene.dice.uniform(0.5, 2))


async def failpoints(scene: Scene, seconds: float) -> None:
    """Have all services die at these points, and start again whoever did."""
    told = ",".join(f"{point}={every}" for point, every in POINTS.items())
    died: Counter[str] = Counter()

    def goes_on() -> bool:
        """For its time, and a little longer if nobody has died at one of them yet."""
        now = time.monotonic()
        return now < end or (now < end + PATIENCE and not POINTS.keys() <= died.keys())

    async def watch(service: str) -> None:
        while goes_on():
            if scene.dead(service):
                died[scene.platform.processes.tail(service, 1).removeprefix("failpoint ")] += 1
                # As it may be dead again before it was ready, it is only started.
                scene.platform.services.begin(service, I2PCC_FAILPOINTS=told)
            await asyncio.sleep(0.1)

    for service in scene.services:
        await scene.kill(service)
        scene.platform.services.begin(service, I2PCC_FAILPOINTS=told)
    end = time.monotonic() + seconds
    try:
        await asyncio.gather(*map(watch, scene.services))
    finally:
        # At once: each is ready when its dead predecessor's session in the group is over.
        await asyncio.gather(*map(scene.platform.restart, scene.services))
    if missed := POINTS.keys() - died.keys():
        raise Problem(f"No service died at {', '.join(missed)}; they died at {dict(died)}.", "Give it more --seconds.")


async def kafka(scene: Scene, seconds: float) -> None:
    """Kill the broker; meanwhile commands are accepted."""
    end = time.monotonic() + seconds
    for away in BACK:
        if away > BACK[0] and time.monotonic() + away > end:
            break
        before = len(scene.ledger.acknowledged)

        async def accepted(before: int = before) -> bool:
            return len(scene.ledger.acknowledged) > before

        await scene.kill("kafka")
        await asyncio.sleep(away)
        await happens("a command was accepted while Kafka was away", accepted, 10)
        await scene.platform.restart("kafka")
    await asyncio.sleep(max(0.0, end - time.monotonic()))


async def postgres(scene: Scene, seconds: float) -> None:
    """Kill the server with all its sessions, and start it again."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await scene.kill("postgres")
        await scene.platform.restart("postgres")
        await asyncio.sleep(scene.dice.uniform(4, 8))
