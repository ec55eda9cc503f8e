"""What happens when two sides, or a side and the clock, act at the same moment: one of them counts."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from deploy.waiting import until
from services.matching.api import Seen, Veto, accept_match, veto_match
from services.matching.clock import sweep
from services.matching.current import current
from services.matching.life import Step
from services.matching.models import Match
from services.matching.steps import tick
from services.matching.workers import embed, find_matches
from shared.auth import Caller, RegionCaller
from shared.db import Db, Sessions
from shared.events import (
    IntroductionFailed,
    IntroductionMade,
    NeedClosed,
    NeedRevised,
    ProposalRevised,
    ProposalWithdrawn,
)
from shared.problems import Problem
from tests.facts import received
from tests.matching.sides import (
    blocked_or_done,
    happen,
    match_of,
    need,
    presented,
    proposal,
    store,
    take_step,
    types_of,
)

PRESENTED = ["MatchFound", "MatchPresented"]
ACCEPTED = [*PRESENTED, "MatchAccepted"]
COORDINATOR = Caller(sub="someone", role="coordinator", organisation="limburg")


async def accept(db: Db, match: Match) -> object:
    """The region's positive answer to the version that was presented first."""
    person = RegionCaller(sub="someone", role="region", region=match.region)
    return await accept_match(match.match_id, Seen(version=2), person, db)


async def veto(db: Db, match: Match) -> object:
    """The coordinator's no to the same version."""
    return await veto_match(match.match_id, Veto(version=2, objection="not_mature"), COORDINATOR, db)


async def expire(db: Db, match: Match) -> object:
    """The clock's last step."""
    held = await db.get_one(Match, match.match_id, with_for_update=True)
    held.due_step = Step.EXPIRE
    return tick(db, held)


async def finding(sessions: Sessions) -> Callable[[Db, Match], Awaitable[object]]:
    """What the worker makes of the need."""
    now = await current(sessions)

    async def find(db: Db, match: Match) -> None:
        await find_matches(db, now, match.need_id)

    return find


async def one_then_other(
    sessions: Sessions, match: Match, *steps: Callable[[Db, Match], Awaitable[object]]
) -> str | None:
    """Begin one step, begin another while the first is not committed; why the second is refused, if it is."""
    first, second = steps
    async with sessions() as ours, sessions() as theirs:
        await first(ours, match)
        waiting = asyncio.ensure_future(second(theirs, match))
        assert await until(lambda: blocked_or_done(sessions, waiting), 30)
        assert not waiting.done()
        await ours.commit()
        try:
            await waiting
        except Problem as problem:
            return str(problem)
        await theirs.commit()
    return None


async def closing(sessions: Sessions) -> Match:
    """A match whose need has just been closed; its worker comes next."""
    posted, offered = need(), proposal(provinces=["limburg"])
    match = await presented(sessions, posted, offered)
    await store(sessions, need(NeedClosed, need_id=posted.need_id, version=2))
    await embed(sessions, await current(sessions), "need", posted.need_id)
    return match


async def test_an_answer_that_comes_with_a_retraction_is_told(alone: Sessions) -> None:
    match = await closing(alone)
    refused = await one_then_other(alone, match, await finding(alone), accept)
    assert refused == "This match is retracted. What a region can do with it now: nothing."
    assert await types_of(alone, match.match_id) == [*PRESENTED, "MatchRetracted"]


async def test_a_need_that_closes_with_the_answer_changes_nothing(alone: Sessions) -> None:
    match = await closing(alone)
    assert await one_then_other(alone, match, accept, await finding(alone)) is None
    assert await types_of(alone, match.match_id) == ACCEPTED


@pytest.mark.parametrize(
    ("first", "then", "refusal", "types"),
    [
        (veto, accept, "This match is vetoed. What a region can do with it now: nothing.", "MatchVetoed"),
        (accept, veto, "This match is accepted. What a coordinator can do with it now: nothing.", "MatchAccepted"),
        (expire, accept, "This match is expired. What a region can do with it now: nothing.", "MatchExpired"),
    ],
)
async def test_of_two_decisions_at_once_the_first_counts(
    alone: Sessions,
    first: Callable[[Db, Match], Awaitable[object]],
    then: Callable[[Db, Match], Awaitable[object]],
    refusal: str,
    types: str,
) -> None:
    match = await presented(alone, need(), proposal(provinces=["limburg"]))
    assert await one_then_other(alone, match, first, then) == refusal
    assert await types_of(alone, match.match_id) == [*PRESENTED, types]


async def test_a_clock_that_strikes_with_the_answer_strikes_no_more(alone: Sessions) -> None:
    match = await presented(alone, need(), proposal())
    async with alone() as theirs:
        await accept(theirs, match)
        assert not await sweep(alone, match.due_at)
        await theirs.commit()
    assert not await sweep(alone, match.due_at)
    assert await types_of(alone, match.match_id) == ACCEPTED


async def test_an_answer_to_what_was_revised_meanwhile_is_told_to_read_again(alone: Sessions) -> None:
    posted, offered = need(), proposal()
    match = await presented(alone, posted, offered)
    await happen(alone, need(NeedRevised, need_id=posted.need_id, version=2))
    async with alone() as db:
        with pytest.raises(Problem, match="at version 3, you have seen 2; read it again"):
            await accept(db, match)


async def test_after_a_positive_answer_neither_a_closing_nor_a_revision_changes_anything(alone: Sessions) -> None:
    posted, offered = need(), proposal()
    match = await presented(alone, posted, offered)
    await take_step(alone, match, Step.ACCEPT)
    await happen(alone, proposal(ProposalRevised, proposal_id=offered.proposal_id, version=2))
    await happen(alone, need(NeedClosed, need_id=posted.need_id, version=2))
    assert await types_of(alone, match.match_id) == ACCEPTED


async def test_a_withdrawal_before_the_introduction_retracts_and_the_failed_introduction_adds_nothing(
    alone: Sessions,
) -> None:
    posted, offered = need(), proposal()
    match = await presented(alone, posted, offered)
    await take_step(alone, match, Step.ACCEPT)
    await happen(alone, proposal(ProposalWithdrawn, proposal_id=offered.proposal_id, version=2))
    await store(alone, received(IntroductionFailed, match_id=match.match_id))
    assert await types_of(alone, match.match_id) == [*ACCEPTED, "MatchRetracted"]


async def test_a_withdrawal_after_the_introduction_changes_nothing(alone: Sessions) -> None:
    posted, offered = need(), proposal()
    match = await presented(alone, posted, offered)
    await take_step(alone, match, Step.ACCEPT)
    await store(alone, received(IntroductionMade, match_id=match.match_id))
    await happen(alone, proposal(ProposalWithdrawn, proposal_id=offered.proposal_id, version=2))
    assert await types_of(alone, match.match_id) == [*ACCEPTED, "MatchIntroduced"]


async def test_an_introduction_that_fails_retracts_what_was_accepted(alone: Sessions) -> None:
    posted, offered = need(), proposal()
    match = await presented(alone, posted, offered)
    await take_step(alone, match, Step.ACCEPT, by="region of hebei")
    await store(alone, received(IntroductionFailed, match_id=match.match_id))
    held = await match_of(alone, posted, offered)
    assert held
    assert (held.state, held.by) == ("retracted", "platform")
    assert await types_of(alone, match.match_id) == [*ACCEPTED, "MatchRetracted"]
