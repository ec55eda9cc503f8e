"""A transaction that somebody leaves open: what others commit meanwhile is published all the same, and at once."""

import asyncio
from datetime import datetime

from deploy.bench.ground import percentile
from deploy.chaos.scene import Scene
from deploy.problems import Problem

OPEN = """
    insert into intake.outbox (event_id, type, topic, key, value)
    values (gen_random_uuid(), 'ProposalSubmitted', 'i2pcc.proposals.v1', 'held open', '')
"""
SLOWEST = 50.0
"""ms from commit to publish that 99 of 100 events may take."""


async def held_open(scene: Scene, seconds: float) -> None:
    """Hold a transaction open that has written to an outbox before all others did; it is taken back in the end."""
    before = await scene.ends()
    async with scene.database() as database:
        transaction = database.transaction()
        await transaction.start()
        await database.execute(OPEN)
        await asyncio.sleep(seconds)
        await transaction.rollback()
    waits = []
    for record in await scene.records(before):
        told = dict(record.headers).get("ce_time")
        if told and record.topic in ("i2pcc.proposals.v1", "i2pcc.needs.v1"):
            waits.append(record.timestamp - datetime.fromisoformat(told.decode()).timestamp() * 1_000)
    slow = percentile(waits, 99)
    scene.told.append(f"99 of 100 events were published within {slow:.0f} ms of their transaction's begin")
    if slow > SLOWEST:
        raise Problem(f"99 of 100 events were published within {slow:.0f} ms; it should be {SLOWEST:.0f}.")
