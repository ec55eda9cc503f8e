"""Several instances of matching beside each other, and one that dies."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select, text
from sqlmodel import col

from deploy.embedded.processes import Processes, Program
from deploy.waiting import until
from services.matching.app import matching
from services.matching.models import Base, NeedCopy, ProposalCopy
from services.matching.rules import match_id
from shared.db import Sessions, connect, sessions
from shared.service import work
from shared.settings import Database
from shared.vocabulary import Challenge
from tests.matching.sides import match_of, matches, need, proposal, settle, store, types_of, waiting
from tests.tables import wipe

ROUNDS = 15
WORKER = """
import asyncio
from services.matching.workers import match_next
from shared.db import connect, sessions
from shared.service import work
from shared.settings import Database

asyncio.run(work(match_next, sessions(connect(Database(), "worker"))))
"""


@asynccontextmanager
async def instance(url: str) -> AsyncIterator[Sessions]:
    """All workers of one more instance of matching, on connections of its own."""
    engine = connect(Database(url=url), "instance")
    made = sessions(engine)
    tasks = [asyncio.create_task(work(worker, made)) for worker in matching.workers]
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await engine.dispose()


async def test_two_instances_always_have_a_pair_meet_once(
    alone: Sessions, second_database: Callable[[str], str]
) -> None:
    """Eleven pairs a round, each side stored by the other instance at the same moment."""
    url = second_database("i2pcc_matching")
    async with instance(url) as one, instance(url) as other:
        for _ in range(ROUNDS):
            await _play_round(alone, one, other)
            await wipe(alone, Base)


async def _play_round(alone: Sessions, one: Sessions, other: Sessions) -> None:
    pairs = [(need(**_under(number)), proposal(**_under(number))) for number in Challenge]
    await asyncio.gather(*(store(at, side) for pair in pairs for at, side in zip((one, other), pair, strict=True)))

    async def settled() -> bool:
        return not await waiting(alone)

    assert await until(settled, 60)
    expected = sorted(match_id(posted.need_id, offered.proposal_id) for posted, offered in pairs)
    assert sorted(match.match_id for match in await matches(alone)) == expected
    for match in expected:
        assert await types_of(alone, match) == ["MatchFound", "MatchPresented"]


def _under(challenge: Challenge) -> dict[str, Any]:
    """What one pair of a round has in common, and no other pair has."""
    return {"title": challenge.title, "challenges": [challenge]}


async def test_what_a_killed_worker_was_embedding_another_one_finishes(
    alone: Sessions, second_database: Callable[[str], str], tmp_path: Path
) -> None:
    posted, offered = need(), proposal()
    await store(alone, posted, offered)
    processes = Processes(tmp_path)
    environment = os.environ | {"I2PCC_DATABASE_URL": second_database("i2pcc_matching")}
    processes.start(Program("worker", (sys.executable, "-c", WORKER), 0, environment))
    try:
        assert await until(lambda: _leased(alone), 60), processes.tail("worker")
    finally:
        processes.kill("worker")

    assert not await _embedded(alone)
    assert len(await waiting(alone)) == 2
    await _let_leases_end(alone)
    await settle(alone)
    match = await match_of(alone, posted, offered)
    assert match
    assert await types_of(alone, match.match_id) == ["MatchFound", "MatchPresented"]


async def _leased(sessions: Sessions) -> bool:
    return any(row.leased_until for row in await waiting(sessions))


async def _embedded(sessions: Sessions) -> bool:
    async with sessions() as db:
        return any([await db.scalar(select(col(table.embedding).is_not(None))) for table in (NeedCopy, ProposalCopy)])


async def _let_leases_end(sessions: Sessions) -> None:
    """What time does."""
    async with sessions() as db, db.begin():
        await db.execute(text("update to_match set leased_until = leased_until - interval '30 seconds'"))
