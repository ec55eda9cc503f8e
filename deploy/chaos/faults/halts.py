"""Processes that stand still for a while and then go on, as in a pause of the machine."""

import asyncio
import time

from deploy.chaos.scene import Scene, happens

OWNER = """
    select a.pid from pg_locks l join pg_stat_activity a using (pid)
    where l.locktype = 'advisory' and l.granted and a.application_name = $1
"""
SERVICE = "intake"
READER = "notify"
RUN, STAND = 0.1, 0.9
"""Seconds that a slow one runs, and then stands still."""


async def relay(scene: Scene, seconds: float) -> None:
    """Stop the process that owns an outbox until a second one does."""
    end = time.monotonic() + seconds
    async with scene.database() as database, scene.joined(SERVICE):
        before = await database.fetchval(OWNER, f"{SERVICE}-relay")

        async def taken_over() -> bool:
            return await database.fetchval(OWNER, f"{SERVICE}-relay") not in (before, None)

        async with scene.halted(SERVICE):
            await happens("another relay owned the outbox", taken_over)
        await asyncio.sleep(max(0.0, end - time.monotonic()))


async def consumer(scene: Scene, seconds: float) -> None:
    """Stop a consumer until its group has given its partitions to a second one."""
    end = time.monotonic() + seconds
    async with scene.joined(READER):

        async def given_away() -> bool:
            return (await scene.members(READER)) == 1

        async def both() -> bool:
            return (await scene.members(READER)) == 2

        await happens(f"two processes of {READER} read", both)
        async with scene.halted(READER):
            await happens("the group went on without the one that stands still", given_away)
            await asyncio.sleep(max(0.0, end - time.monotonic()))


async def slow(scene: Scene, seconds: float) -> None:
    """Let a consumer run for a tenth of the time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        async with scene.halted(READER):
            await asyncio.sleep(STAND)
        await asyncio.sleep(RUN)
