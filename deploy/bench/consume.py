"""consume: events a second through a projection and through a reaction, beside a plain FastStream subscriber."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.bench.ground import Figures, Ground, eventually
from deploy.bench.peers.message_by_message import Work, nothing, project, react, subscribed
from deploy.bench.tables import SCRIPT, NeedRow, Seen, thanks
from deploy.bench.texts import a_need
from shared.bus import Consumer, Handlers
from shared.db import Db, connect, newest_wins, sessions
from shared.events import NeedPosted
from shared.migrations.plumbing import OUTBOX_WAITS, V1
from shared.outbox import emit
from shared.settings import Database

OURS = 30_000
PEERS = 4_000
"""Events for each side; a rate does not depend on it."""

projecting, reacting = Handlers(), Handlers()


@projecting.project(NeedPosted, keeps=[NeedRow])
async def keep_needs(batch: Sequence[NeedPosted], db: Db) -> None:
    """Hold the newest state of each need."""
    await newest_wins(db, NeedRow, batch)


@reacting.react(NeedPosted)
async def note(event: NeedPosted, db: Db) -> None:
    """Write a row and say something, once an event."""
    db.add(Seen(need_id=event.need_id, title=event.title))
    emit(db, thanks(event))


async def run(ground: Ground) -> Figures:
    """Measure each way on the same events."""
    await ground.fill(NeedPosted.topic, map(_record, range(OURS)))
    projection = await _ours(ground, projecting, "need")
    reaction = await _ours(ground, reacting, "seen")
    peer_projection = await _peer(ground, project)
    peer_reaction = await _peer(ground, react)
    return {
        "projection_per_second": round(projection),
        "reaction_per_second": round(reaction),
        "faststream_projection_per_second": round(peer_projection),
        "faststream_reaction_per_second": round(peer_reaction),
        "faststream_doing_nothing_per_second": round(await _peer(ground, nothing)),
        "ratio": {
            "faststream, projection": round(projection / peer_projection, 2),
            "faststream, reaction": round(reaction / peer_reaction, 2),
        },
    }


async def _ours(ground: Ground, handlers: Handlers, table: str) -> float:
    async with _engine(ground) as engine, ground.database() as database:
        consumer = Consumer(f"bench-{table}", handlers, sessions(engine), ground.kafka)

        async def count() -> int:
            return int(await database.fetchval(f"select count(*) from {table}"))

        with ground.step(f"consume: ours, {table}"):
            await consumer.start()
            try:
                return await _rate(count, OURS)
            finally:
                await consumer.stop()


async def _peer(ground: Ground, work: Work) -> float:
    async with _engine(ground) as engine:
        group = f"bench-peer-{work.__name__}"
        with ground.step(f"consume: FastStream, {work.__name__}"):
            async with subscribed(engine, ground.kafka, NeedPosted.topic, group, work) as handled:

                async def count() -> int:
                    return handled[0]

                return await _rate(count, PEERS)


async def _rate(count: Callable[[], Awaitable[int]], enough: int) -> float:
    """Events a second, from the first that is seen to be done until enough are: joining the group is not counted."""

    async def begun() -> bool:
        return await count() > 0

    async def done() -> bool:
        return await count() >= enough

    await eventually("the first event is done", begun)
    first, start = await count(), time.perf_counter()
    await eventually("all events are done", done)
    return (await count() - first) / (time.perf_counter() - start)


@asynccontextmanager
async def _engine(ground: Ground) -> AsyncIterator[AsyncEngine]:
    await ground.clear(V1, OUTBOX_WAITS, SCRIPT)
    engine = connect(Database(url=ground.url), "bench")
    yield engine
    await engine.dispose()


def _record(number: int) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    event = a_need(number)
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(uuid4()),
        "ce_source": "/i2pcc/bench",
        "ce_type": "NeedPosted",
        "ce_time": "2026-01-01T00:00:00+00:00",
        "content-type": "application/json",
    }
    return (
        event.key_text().encode(),
        event.model_dump_json().encode(),
        [(name, value.encode()) for name, value in headers.items()],
    )
