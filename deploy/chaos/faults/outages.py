"""Kafka away for minutes: only the outbox grows, and it is soon empty when Kafka is back."""

import asyncio
import time
from uuid import uuid4

import orjson

from deploy.chaos.scene import Scene, happens
from deploy.event_examples import example
from deploy.problems import Problem
from shared.events import MissionPlanned

BACKLOG = 50_000
"""Events that wait when Kafka comes back, so that it can be seen how fast they are published."""
LEAST = 10_000
"""Events a second."""
ROOM = 40
"""MB that a service may hold more than before, its own caches included."""
FILL = """
    insert into regions.outbox (event_id, type, topic, key, value)
    select gen_random_uuid(), 'MissionPlanned', $1, id, convert_to(replace($2, $3, id), 'utf8')
    from (select gen_random_uuid()::text id from generate_series(1, $4)) made
"""
COUNT = "select count(*) from regions.outbox"


async def away(scene: Scene, seconds: float) -> None:
    """Kill the broker, and see what its absence costs and how fast it is made good."""
    await scene.kill("kafka")
    before = {service: scene.platform.memory(service) for service in scene.services}
    await asyncio.sleep(seconds)
    grown = {service: scene.platform.memory(service) - before[service] for service in scene.services}
    if max(grown.values()) > ROOM:
        raise Problem(f"Without Kafka services grew by {grown} MB; {ROOM} are allowed.")
    placeholder = str(uuid4())
    value = orjson.dumps((example(MissionPlanned) or {}) | {"mission_id": placeholder, "version": 1}).decode()
    async with scene.database() as database:
        await database.execute(FILL, MissionPlanned.topic, value, placeholder, BACKLOG)
        await scene.platform.restart("kafka")
        waiting: list[tuple[float, int]] = []

        async def drained() -> bool:
            waiting.append((time.monotonic(), await database.fetchval(COUNT)))
            return waiting[-1][1] == 0

        await happens("the outbox was emptied", drained)
    full = next(n for n, (_, rows) in enumerate(waiting) if rows < waiting[0][1])
    rate = BACKLOG / (waiting[-1][0] - waiting[max(full - 1, 0)][0])
    scene.told.append(f"{rate:,.0f} waiting events were published a second; services grew by {grown} MB")
    if rate < LEAST:
        raise Problem(f"{rate:,.0f} waiting events were published a second; at least {LEAST:,} should be.")
