"""What the platform does about a region that stays silent; a test comes later by saying so."""

from datetime import UTC, datetime, timedelta

from services.matching.clock import sweep
from services.matching.life import Step
from services.matching.models import Match
from shared.db import Sessions
from shared.events import NeedRevised
from tests.matching.sides import happen, match_of, need, presented, proposal, said, take_step, types_of

PRESENTED = ["MatchFound", "MatchPresented"]
AT_LAST = datetime.now(UTC) + timedelta(days=100)


async def silent(sessions: Sessions) -> Match:
    """A match that waits for its region."""
    return await presented(sessions, need(), proposal())


async def test_before_its_day_nothing_happens(alone: Sessions) -> None:
    match = await silent(alone)
    assert match.due_at
    assert not await sweep(alone)
    assert not await sweep(alone, match.due_at - timedelta(seconds=1))
    assert await types_of(alone, match.match_id) == PRESENTED


async def test_a_silent_region_is_reminded_then_its_coordinators_are_told_then_the_match_expires(
    alone: Sessions,
) -> None:
    match = await silent(alone)
    assert match.answer_by
    for days in (14, 21, 43):
        day = match.answer_by + timedelta(days=days - 42)
        assert await sweep(alone, datetime(day.year, day.month, day.day, tzinfo=UTC))
        assert not await sweep(alone, datetime(day.year, day.month, day.day, tzinfo=UTC))
    told = [each for each in await said(alone, match.match_id) if each.topic == "i2pcc.matches.v1"][2:]
    assert [(each.type, each.body.get("escalated"), each.body["state"], each.body["by"]) for each in told] == [
        ("MatchReminded", False, "presented", "platform"),
        ("MatchReminded", True, "presented", "platform"),
        ("MatchExpired", None, "expired", "platform"),
    ]
    assert [each.body["reminders"] for each in told] == [1, 1, 1]
    assert {each.body["answer_by"] for each in told} == {match.answer_by.isoformat()}


async def test_a_sweep_that_comes_late_takes_the_steps_one_after_the_other(alone: Sessions) -> None:
    match = await silent(alone)
    for number in range(1, 4):
        assert await sweep(alone, AT_LAST)
        assert len(await types_of(alone, match.match_id)) == 2 + number
    assert not await sweep(alone, AT_LAST)


async def test_a_revision_restarts_the_clock(alone: Sessions) -> None:
    posted, offered = need(), proposal()
    match = await presented(alone, posted, offered)
    assert match.due_at
    assert await sweep(alone, match.due_at)
    await happen(alone, need(NeedRevised, need_id=posted.need_id, version=2))
    again = await match_of(alone, posted, offered)
    assert again
    assert (again.due_step, again.due_at, again.answer_by) == ("remind", match.due_at, match.answer_by)
    assert again.reminders == 1


async def test_whoever_has_answered_is_left_alone(alone: Sessions) -> None:
    match = await silent(alone)
    await take_step(alone, match, Step.DECLINE, reason="Not now.")
    assert not await sweep(alone, AT_LAST)


async def test_a_match_that_somebody_is_deciding_on_waits_for_the_next_sweep(alone: Sessions) -> None:
    match = await silent(alone)
    async with alone() as theirs:
        await theirs.get_one(Match, match.match_id, with_for_update=True)
        assert not await sweep(alone, AT_LAST)
    assert await sweep(alone, AT_LAST)
