"""What may happen to a match, by whom, and when something happens by itself."""

from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import ValidationError

from services.matching.life import (
    AGREED,
    CLOCK,
    LIFE,
    LIVE,
    SAYS,
    WHO,
    Step,
    after,
    check,
    check_outcome,
    choices,
    due,
    possible,
    presents,
)
from shared.events import MatchState, Meeting, Outcome
from shared.problems import Problem
from shared.settings import Clocks
from shared.vocabulary import Objection, Role

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
MEETING = Meeting(starts=NOW + timedelta(days=30), minutes=60)
ENDED = (MatchState.VETOED, MatchState.DECLINED, MatchState.EXPIRED)


@pytest.mark.parametrize("state", ENDED)
def test_nothing_can_be_done_with_what_has_ended(state: MatchState) -> None:
    assert [step for step in Step if possible(state, step)] == []


def test_a_newer_text_finds_what_was_retracted_again_and_nothing_else() -> None:
    assert [state for state in MatchState if possible(state, Step.FIND)] == [MatchState.RETRACTED]


def test_every_state_but_the_first_is_reached_from_another() -> None:
    reached = {after for (before, _), after in LIFE.items() if before is not after}
    assert reached == set(MatchState)


def test_every_step_is_told_but_that_a_region_shows_interest() -> None:
    assert {*Step} - SAYS.keys() == {Step.INTEREST}


def test_only_a_withdrawal_reaches_what_is_accepted() -> None:
    assert {state for state in MatchState if possible(state, Step.RETRACT)} == {MatchState.FOUND, MatchState.PRESENTED}
    assert possible(MatchState.ACCEPTED, Step.WITHDRAW)
    assert not possible(MatchState.INTRODUCED, Step.WITHDRAW)


def test_no_revision_touches_what_was_answered() -> None:
    assert {state for state in MatchState if possible(state, Step.REVISE)} == {MatchState.FOUND, MatchState.PRESENTED}


def test_live_is_all_of_which_something_may_still_come() -> None:
    assert {*MatchState} - LIVE == {*ENDED, MatchState.RETRACTED}
    assert AGREED < LIVE


@pytest.mark.parametrize(
    ("state", "role", "can"),
    [
        (MatchState.FOUND, Role.COORDINATOR, ["shortlist", "veto"]),
        (MatchState.PRESENTED, Role.COORDINATOR, ["veto", "remind"]),
        (MatchState.PRESENTED, Role.REGION, ["interest", "accept", "decline"]),
        (MatchState.PRESENTED, Role.COMPANY, []),
        (MatchState.ACCEPTED, Role.REGION, []),
        (MatchState.INTRODUCED, Role.COMPANY, ["outcome"]),
        (MatchState.REPORTED, Role.REGION, ["outcome"]),
        (MatchState.PRESENTED, Role.PARTNER, []),
    ],
)
def test_each_role_has_its_steps(state: MatchState, role: Role, can: list[str]) -> None:
    assert choices(state, role) == can


@pytest.mark.parametrize("role", WHO)
@pytest.mark.parametrize("state", MatchState)
def test_an_impossible_step_is_told_what_is_possible_for_this_role(state: MatchState, role: Role) -> None:
    for step in WHO[role]:
        if possible(state, step):
            check(state, step, role, 2, seen=2)
            continue
        with pytest.raises(Problem, match=f"This match is {state}. What a {role} can do with it now: ") as refused:
            check(state, step, role, 2, seen=2)
        assert refused.value.status == 409
        assert str(refused.value).endswith(f"{', '.join(choices(state, role)) or 'nothing'}.")


@pytest.mark.parametrize("seen", [1, 3])
def test_a_step_on_a_version_other_than_the_newest_is_told_to_read_again(seen: int) -> None:
    with pytest.raises(Problem, match=rf"at version 2, you have seen {seen}; read it again") as refused:
        check(MatchState.PRESENTED, Step.ACCEPT, Role.REGION, 2, seen)
    assert refused.value.status == 409


@pytest.mark.parametrize(("threshold", "at_once"), [(None, False), (0.0, True), (0.5, True), (0.51, False)])
def test_a_score_from_the_threshold_on_is_presented_at_once(threshold: float | None, at_once: bool) -> None:
    assert presents(threshold, 0.5) is at_once


def test_the_clock_reminds_tells_the_coordinators_and_ends_after_the_last_day() -> None:
    clocks, presented = Clocks(remind_days=14, escalate_days=21, expire_days=42), date(2027, 3, 1)
    answer_by = presented + timedelta(days=42)
    assert [due(step, answer_by, clocks) for step in CLOCK] == [
        datetime(2027, 3, 15, tzinfo=UTC),
        datetime(2027, 3, 22, tzinfo=UTC),
        datetime(2027, 4, 13, tzinfo=UTC),
    ]
    assert [after(step) for step in CLOCK] == [Step.ESCALATE, Step.EXPIRE, None]


@pytest.mark.parametrize("wrong", [{"remind_days": 21}, {"escalate_days": 42}, {"expire_days": 20}])
def test_clocks_that_do_not_ascend_are_refused_by_name(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match=r"I2PCC_MATCH_REMIND_DAYS, I2PCC_MATCH_ESCALATE_DAYS and .* must ascend"):
        Clocks(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("outcome", "objection", "meeting"),
    [
        (Outcome.MEETING, None, MEETING),
        (Outcome.MEETING, None, None),
        (Outcome.PILOT, None, None),
        (Outcome.CONTRACT, None, None),
        (Outcome.NOTHING, Objection.NOT_NOW, None),
    ],
)
def test_what_came_of_an_introduction_is_told_whole(
    outcome: Outcome, objection: Objection | None, meeting: Meeting | None
) -> None:
    check_outcome(outcome, objection, meeting, NOW)


@pytest.mark.parametrize(
    ("outcome", "objection", "meeting", "field"),
    [
        (Outcome.NOTHING, None, None, "body.objection"),
        (Outcome.PILOT, Objection.OTHER, None, "body.objection"),
        (Outcome.CONTRACT, None, MEETING, "body.meeting"),
        (Outcome.MEETING, None, MEETING.model_copy(update={"starts": NOW}), "body.meeting.starts"),
        (Outcome.MEETING, None, MEETING.model_copy(update={"starts": NOW + timedelta(731)}), "body.meeting.starts"),
    ],
)
def test_what_does_not_go_together_is_named(
    outcome: Outcome, objection: Objection | None, meeting: Meeting | None, field: str
) -> None:
    with pytest.raises(Problem, match=field) as refused:
        check_outcome(outcome, objection, meeting, NOW)
    assert refused.value.status == 422
