"""relay: rows a second out of a full outbox, beside faststream-outbox; and how long one event takes when few come."""

import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer

from deploy.bench.ground import Figures, Ground, at_rate, eventually, milliseconds
from deploy.bench.peers import outbox_library
from deploy.bench.texts import a_proposal
from deploy.waiting import beside
from shared.db import connect, sessions
from shared.events import ProposalSubmitted
from shared.kafka import client
from shared.migrations.plumbing import OUTBOX_WAITS, V1
from shared.outbox import Relay, emit
from shared.settings import Database

ROWS = 50_000
KEYS = 5_000
VALUES = 100
"""Different events, as long as people make them, again and again."""
WORKERS = (1, 4, 8)
RATE = 200
"""Events a second, while latency is measured."""
SECONDS = 15
TOPIC = "bench.relay"

FILL = f"""
insert into outbox (event_id, type, topic, key, value, traceparent)
select gen_random_uuid(), 'ProposalSubmitted', '{TOPIC}', 'key-' || n % $2,
    ($3::bytea[])[1 + n % array_length($3, 1)], $4
from generate_series(1, $1) n
"""
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def run(ground: Ground) -> Figures:
    """Drain both, then measure latency."""
    await ground.topic(TOPIC)
    values = [a_proposal(number).model_dump_json().encode() for number in range(VALUES)]
    ours = await _drain_ours(ground, values)
    peers = {workers: await _drain_library(ground, values, workers) for workers in WORKERS}
    latency = await _latency(ground)
    return {
        "rows": ROWS,
        "mean_value_bytes": round(statistics.mean(map(len, values))),
        "rows_per_second": round(ours),
        **{f"faststream_outbox_{workers}_workers_rows_per_second": round(rate) for workers, rate in peers.items()},
        **{f"at_{RATE}_per_second_{name}": figure for name, figure in latency.items()},
        "ratio": {"faststream-outbox": round(ours / max(peers.values()), 2)},
    }


async def _drain_ours(ground: Ground, values: Sequence[bytes]) -> float:
    await ground.clear(V1, OUTBOX_WAITS)
    relay = Relay("bench", ground.url, ground.kafka)

    async def owns() -> bool:
        return relay.owner

    with ground.step("relay: ours"):
        async with beside(relay.run()):
            await eventually("the relay owns its outbox", owns)
            return await _drained(ground, "outbox", FILL, values)


async def _drain_library(ground: Ground, values: Sequence[bytes], workers: int) -> float:
    await ground.clear(*outbox_library.create())
    with ground.step(f"relay: faststream-outbox, {workers} workers"):
        async with outbox_library.relaying(ground.url, ground.kafka, TOPIC, workers):
            return await _drained(ground, outbox_library.TABLE.name, outbox_library.FILL, values)


async def _drained(ground: Ground, table: str, fill: str, values: Sequence[bytes]) -> float:
    """Rows a second until none is left, from the moment that all were committed."""
    async with ground.database() as database:
        await database.execute(fill, ROWS, KEYS, values, TRACEPARENT)
        start = time.perf_counter()

        async def empty() -> bool:
            return not await database.fetchval(f"select exists (select from {table})")

        await eventually("the outbox is empty", empty)
        return ROWS / (time.perf_counter() - start)


async def _latency(ground: Ground) -> Figures:
    """From a commit to an outside consumer, with commits and relay in one process, as in a service."""
    await ground.clear(V1, OUTBOX_WAITS)
    engine = connect(Database(url=ground.url), "bench")
    made = sessions(engine)
    committed: dict[str, float] = {}
    consumed: dict[str, float] = {}

    async def submit(number: int) -> None:
        event = a_proposal(number)
        async with made() as db:
            emit(db, event)
            await db.commit()
        committed[event.key_text()] = time.perf_counter()

    async def all_there() -> bool:
        return len(consumed) == len(committed)

    with ground.step(f"relay: latency at {RATE} a second"):
        async with beside(Relay("bench", ground.url, ground.kafka).run()), _consuming(ground, consumed):
            await at_rate(RATE, RATE * SECONDS, submit)
            await eventually("all events have arrived", all_there)
    await engine.dispose()
    # The first second opens connections.
    return milliseconds([consumed[key] - committed[key] for key in list(committed)[RATE:]])


@asynccontextmanager
async def _consuming(ground: Ground, consumed: dict[str, float]) -> AsyncIterator[None]:
    consumer = AIOKafkaConsumer(ProposalSubmitted.topic, **client(ground.kafka), auto_offset_reset="latest")

    async def note() -> None:
        async for record in consumer:
            consumed[record.key.decode()] = time.perf_counter()

    async with consumer:
        await consumer.seek_to_end()
        for partition in consumer.assignment():
            await consumer.position(partition)
        async with beside(note()):
            yield
