"""Needs and proposals as matching receives them, and what became of them."""

import asyncio
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import orjson
from sqlalchemy import RowMapping, text
from sqlmodel import select

from services.matching.handlers import events
from services.matching.life import Step
from services.matching.models import Match, Presentation, ToMatch
from services.matching.rules import match_id
from services.matching.steps import take
from services.matching.workers import match_next
from shared.db import Sessions
from shared.events import Event, NeedEvent, NeedPosted, ProposalEvent, ProposalSubmitted
from tests.facts import received

OTHER = "Quiet ventilation of classrooms without draught"
"""A title that has nothing to do with the common one."""
BLOCKED = text("select exists (select from pg_stat_activity where wait_event_type = 'Lock' and datname = 'trial')")
_SAME: dict[str, Any] = {"title": "Membrane treatment of landfill leachate", "language": "en", "challenges": [4]}


def need(kind: type[NeedEvent] = NeedPosted, /, **fields: Any) -> Any:
    """A need; given another's `need_id`, what became of that one."""
    return received(kind, **_SAME | {"need_id": uuid4()} | fields)


def proposal(kind: type[ProposalEvent] = ProposalSubmitted, /, **fields: Any) -> Any:
    """A proposal that fits the need."""
    return received(kind, **_SAME | {"proposal_id": uuid4()} | fields)


async def store(sessions: Sessions, *facts: Event) -> None:
    """Apply events as the consumer does: one transaction."""
    async with sessions() as db, db.begin():
        await events.apply(facts, db)


async def settle(sessions: Sessions) -> None:
    """Match everything that waits."""
    while await match_next(sessions):
        pass


async def happen(sessions: Sessions, *facts: Event) -> None:
    """Apply events and match what they changed."""
    await store(sessions, *facts)
    await settle(sessions)


async def match_of(sessions: Sessions, one: Any, other: Any) -> Match | None:
    """The match of a need and a proposal."""
    async with sessions() as db:
        return await db.get(Match, match_id(one.need_id, other.proposal_id))


async def matches(sessions: Sessions) -> list[Match]:
    """All matches."""
    async with sessions() as db:
        return list((await db.scalars(select(Match))).all())


async def blocked_or_done(sessions: Sessions, task: "asyncio.Task[Any]") -> bool:
    """Whether a task waits for a lock, or has ended."""
    async with sessions() as db:
        return task.done() or bool(await db.scalar(BLOCKED))


class Said(NamedTuple):
    """An event in the outbox."""

    type: str
    topic: str
    body: dict[str, Any]


async def said(sessions: Sessions, match: UUID) -> list[Said]:
    """What was said of a match, in order."""
    async with sessions() as db:
        query = text("select type, topic, value from outbox where key = :key order by id")
        rows = (await db.execute(query, {"key": str(match)})).mappings().all()
    return [_said(row) for row in rows]


async def types_of(sessions: Sessions, match: UUID) -> list[str]:
    """The events of a match on the common topic, by name."""
    return [each.type for each in await said(sessions, match) if each.topic == "i2pcc.matches.v1"]


async def waiting(sessions: Sessions) -> list[ToMatch]:
    """What is still to be matched."""
    async with sessions() as db:
        return list((await db.scalars(select(ToMatch))).all())


def _said(row: RowMapping) -> Said:
    return Said(row["type"], row["topic"], orjson.loads(row["value"]))


async def presented(sessions: Sessions, posted: Any, offered: Any) -> Match:
    """The match of two sides that fit."""
    await happen(sessions, posted, offered)
    match = await match_of(sessions, posted, offered)
    assert match
    return match


async def take_step(sessions: Sessions, match: Match, step: Step, **changes: Any) -> None:
    """Take a step in a transaction of its own."""
    async with sessions() as db, db.begin():
        take(db, await db.get_one(Match, match.match_id, with_for_update=True), step, **changes)


async def let_through(sessions: Sessions, organisation: str, threshold: float | None) -> None:
    """Have an organisation's matches presented from this score on; None: never by themselves."""
    async with sessions() as db, db.begin():
        db.add(Presentation(organisation=organisation, threshold=threshold))
