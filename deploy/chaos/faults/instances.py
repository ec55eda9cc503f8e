"""More than one process of a service, coming and going."""

import asyncio
import time
from itertools import cycle

from deploy.chaos.scene import Scene


async def come_and_go(scene: Scene, seconds: float) -> None:
    """Have a second process of one service after the other join, stay a little, and leave."""
    end = time.monotonic() + seconds
    for joined, service in enumerate(cycle(scene.services), 1):
        async with scene.joined(service):
            await asyncio.sleep(scene.dice.uniform(1, 3))
        if time.monotonic() > end and joined >= len(scene.services):
            return
