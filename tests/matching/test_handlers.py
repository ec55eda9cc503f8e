"""What matching notes of the events it hears."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlmodel import col, func, select, update

from services.matching.handlers import keep_needs, keep_proposals
from services.matching.models import Match, NeedCopy, ProposalCopy, ToMatch
from services.matching.rules import match_id
from shared.db import Db, Sessions
from shared.events import (
    IntroductionMade,
    MatchState,
    NeedClosed,
    NeedRevised,
    ProposalRevised,
    ProposalWithdrawn,
)
from tests.facts import received
from tests.matching.sides import happen, need, proposal, said, store

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

VECTOR = [1.0] + [0.0] * 386


async def waiting(db: Db, side: UUID) -> ToMatch | None:
    """Whether a side is to be matched, as the database says."""
    return (await db.execute(select(ToMatch).where(ToMatch.id == side))).scalar_one_or_none()


async def test_a_new_need_is_kept_and_waits_with_its_trace(db: Db) -> None:
    posted = need(traceparent=TRACE)
    await keep_needs([posted], db)
    held = await db.get_one(NeedCopy, posted.need_id)
    assert (held.version, held.region, held.title, held.challenges) == (1, posted.region, posted.title, [4])
    task = await waiting(db, posted.need_id)
    assert task
    assert (task.kind, task.traceparent, task.leased_until) == ("need", TRACE, None)


async def test_a_new_proposal_is_kept_and_waits(db: Db) -> None:
    offered = proposal()
    await keep_proposals([offered], db)
    held = await db.get_one(ProposalCopy, offered.proposal_id)
    assert (held.members, held.provinces) == (list(offered.members), list(offered.provinces))
    assert (await waiting(db, offered.proposal_id)).kind == "proposal"  # type: ignore[union-attr]


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
async def test_the_newest_version_wins_in_whatever_order_a_batch_has_them(db: Db, order: tuple[int, ...]) -> None:
    posted = need()
    await keep_needs([need(NeedRevised, need_id=posted.need_id, version=number) for number in order], db)
    assert (await db.get_one(NeedCopy, posted.need_id)).version == 3
    assert await waiting(db, posted.need_id)


async def test_what_is_older_or_repeated_changes_nothing_and_is_not_matched_again(db: Db) -> None:
    posted = need()
    closed = need(NeedClosed, need_id=posted.need_id, version=2)
    await keep_needs([posted, closed], db)
    await db.execute(text("delete from to_match where id = :id"), {"id": posted.need_id})
    await keep_needs([posted, closed], db)
    await keep_needs([need(NeedRevised, need_id=posted.need_id, version=1)], db)
    assert (await db.get_one(NeedCopy, posted.need_id)).closed
    assert await waiting(db, posted.need_id) is None


async def test_a_newer_text_does_not_wait_for_the_worker_that_has_the_old_one(db: Db) -> None:
    offered = proposal()
    await keep_proposals([offered], db)
    leased = update(ToMatch).where(col(ToMatch.id) == offered.proposal_id)
    await db.execute(leased.values(leased_until=func.now() + timedelta(hours=1)))
    await keep_proposals([proposal(ProposalRevised, proposal_id=offered.proposal_id, version=2)], db)
    task = await waiting(db, offered.proposal_id)
    assert task
    assert task.leased_until is None


async def test_a_vector_outlives_a_new_version_but_is_known_to_be_old(db: Db) -> None:
    offered = proposal()
    await keep_proposals([offered], db)
    held = await db.get_one(ProposalCopy, offered.proposal_id)
    held.embedding, held.embedded_version, held.background = VECTOR, 1, 0
    assert held.embedded(0)
    assert not held.embedded(1)
    await db.flush()
    await keep_proposals([proposal(ProposalWithdrawn, proposal_id=offered.proposal_id, version=2)], db)
    await db.refresh(held)
    assert (held.withdrawn, held.embedded(0)) == (True, False)
    assert list(held.embedding) == VECTOR


@pytest.mark.parametrize("state", [MatchState.ACCEPTED, MatchState.RETRACTED])
async def test_an_introduction_is_noted_whatever_else_happened_to_the_match(alone: Sessions, state: MatchState) -> None:
    posted, offered = need(), proposal()
    await happen(alone, posted, offered)
    async with alone() as db, db.begin():
        await db.execute(update(Match).values(state=state))
    key = match_id(posted.need_id, offered.proposal_id)
    await store(alone, received(IntroductionMade, match_id=key))
    assert [(each.type, each.body["state"], each.body["version"]) for each in await said(alone, key)][-2:] == [
        ("MatchIntroduced", "introduced", 3)
    ] * 2, "on the common topic and the region's"
