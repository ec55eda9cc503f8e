"""A puzzle's parts go where their life lets them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.intake.puzzle import (
    PART_LIFE,
    InvitationState,
    PartState,
    PartStep,
    Piece,
    Wish,
    answer_invitation,
    answered,
    check_owners,
    confirmed,
    revised,
    sought,
    standing,
    taken,
)
from shared.problems import Problem

LEAD, MINE, THEIRS = uuid4(), uuid4(), uuid4()
NOW = datetime(2027, 3, 1, tzinfo=UTC)
OPEN, CONFIRMED, DECLINED, WANTED = PartState.OPEN, PartState.CONFIRMED, PartState.DECLINED, PartState.WANTED


def piece(company: UUID | None = MINE, state: PartState = OPEN, title: str = "Drying") -> Piece:
    """One part of a puzzle."""
    return Piece(uuid4(), title, company, state if company else WANTED)


def wish(piece: Piece, title: str | None = None, company: UUID | None = None) -> Wish:
    """The part as it is, but for this."""
    return Wish(piece.part_id, title or piece.title, company or piece.company_id)


def test_every_part_may_have_its_own_company_or_none_yet() -> None:
    check_owners(LEAD, [MINE, None, THEIRS, None])


@pytest.mark.parametrize(("owners", "why"), [([MINE, LEAD], "the lead"), ([MINE, THEIRS, MINE], "twice")])
def test_a_company_brings_one_part_and_the_lead_none(owners: list[UUID], why: str) -> None:
    with pytest.raises(Problem, match=why):
        check_owners(LEAD, owners)


@pytest.mark.parametrize(("step", "state"), [(PartStep.CONFIRM, CONFIRMED), (PartStep.DECLINE, DECLINED)])
def test_an_answer_changes_the_own_part_alone(step: PartStep, state: PartState) -> None:
    mine, theirs = piece(), piece(THEIRS)
    after = answered([theirs, mine], mine.part_id, MINE, step)
    assert after == [theirs, Piece(mine.part_id, mine.title, MINE, state)]


def test_somebody_elses_part_is_not_there() -> None:
    theirs = piece(THEIRS)
    with pytest.raises(Problem) as refused:
        answered([piece(), theirs], theirs.part_id, MINE, PartStep.DECLINE)
    assert refused.value.status == 404


@pytest.mark.parametrize("state", [CONFIRMED, DECLINED])
def test_a_part_is_answered_once(state: PartState) -> None:
    mine = piece(state=state)
    with pytest.raises(Problem, match=f"is {state}") as refused:
        answered([mine], mine.part_id, MINE, PartStep.CONFIRM)
    assert refused.value.status == 409


def test_the_confirmed_parts_are_submitted_in_their_order() -> None:
    parts = [piece(THEIRS, CONFIRMED), piece(MINE, CONFIRMED)]
    assert confirmed(parts, without_open_parts=False) == parts


@pytest.mark.parametrize("other", [piece(), piece(state=DECLINED), piece(None)], ids=lambda each: str(each.state))
def test_a_part_that_is_not_confirmed_is_named_or_left_out(other: Piece) -> None:
    ready = piece(THEIRS, CONFIRMED, "Sorting")
    with pytest.raises(Problem, match=r"confirmed yet: Drying\. .*without_open_parts: true") as refused:
        confirmed([ready, other], without_open_parts=False)
    assert refused.value.status == 409
    assert confirmed([ready, other], without_open_parts=True) == [ready]
    with pytest.raises(Problem, match="No part is confirmed"):
        confirmed([other], without_open_parts=True)


def test_what_the_lead_does_not_change_stays_as_it_is() -> None:
    parts = [piece(THEIRS, CONFIRMED), piece(), piece(uuid4(), DECLINED), piece(None)]
    assert revised(parts, [wish(each) for each in parts]) == parts


def test_the_lead_adds_parts_with_a_company_and_without() -> None:
    asked, looking = revised([], [Wish(None, "Drying", MINE), Wish(None, "Sorting", None)])
    assert (asked.state, asked.company_id) == (OPEN, MINE)
    assert (looking.state, looking.company_id) == (WANTED, None)
    assert asked.part_id != looking.part_id


@pytest.mark.parametrize("gone", [piece(), piece(state=DECLINED), piece(None)], ids=lambda each: str(each.state))
def test_a_part_that_nobody_confirmed_can_be_dropped(gone: Piece) -> None:
    kept = piece(THEIRS, CONFIRMED)
    assert revised([gone, kept], [wish(kept)]) == [kept]


def test_a_confirmed_part_is_neither_dropped_nor_changed() -> None:
    held = piece(state=CONFIRMED)
    for wishes in ([Wish(None, "Sorting", None)], [wish(held, title="Wetting")], [wish(held, company=THEIRS)]):
        with pytest.raises(Problem, match=r"part \(Drying\) is confirmed") as refused:
            revised([held], wishes)
        assert refused.value.status == 409


def test_what_a_company_was_asked_is_not_changed_behind_its_back() -> None:
    asked = piece()
    for other in (wish(asked, title="Wetting"), wish(asked, company=THEIRS), Wish(asked.part_id, "Drying", None)):
        with pytest.raises(Problem, match="confirm, decline, drop"):
            revised([asked], [other])


def test_a_declined_part_is_asked_of_another_company_or_looks_for_one() -> None:
    declined = piece(state=DECLINED)
    (asked,) = revised([declined], [wish(declined, company=THEIRS)])
    assert asked == Piece(declined.part_id, "Drying", THEIRS, OPEN)
    (looking,) = revised([declined], [Wish(declined.part_id, "Drying", None)])
    assert looking == Piece(declined.part_id, "Drying", None, WANTED)


def test_a_wanted_part_is_worded_anew_or_asked_of_a_company() -> None:
    wanted = piece(None)
    assert revised([wanted], [wish(wanted, title="Wetting")])[0].title == "Wetting"
    assert revised([wanted], [wish(wanted, company=MINE)])[0].state is OPEN


def test_a_revision_names_parts_that_are_there_and_each_once() -> None:
    part = piece()
    for wishes in ([Wish(uuid4(), "Drying", None)], [wish(part), wish(part)]):
        with pytest.raises(Problem, match=r"body\.parts") as refused:
            revised([part], wishes)
        assert refused.value.status == 422


def test_a_declined_part_looks_for_somebody_once_one_is_invited() -> None:
    declined = piece(state=DECLINED)
    assert sought([declined], declined.part_id) == [Piece(declined.part_id, "Drying", None, WANTED)]


@pytest.mark.parametrize("state", [OPEN, CONFIRMED])
def test_nobody_is_invited_to_a_part_that_a_company_has(state: PartState) -> None:
    part = piece(state=state)
    with pytest.raises(Problem, match=f"is {state}"):
        sought([part], part.part_id)


def test_an_invited_company_takes_the_wanted_part() -> None:
    wanted, theirs = piece(None), piece(THEIRS)
    after = taken([theirs, wanted], LEAD, wanted.part_id, MINE)
    assert after == [theirs, Piece(wanted.part_id, "Drying", MINE, CONFIRMED)]


@pytest.mark.parametrize("company", [LEAD, THEIRS])
def test_who_takes_part_already_takes_no_second_part(company: UUID) -> None:
    wanted = piece(None)
    with pytest.raises(Problem) as refused:
        taken([piece(THEIRS, DECLINED), wanted], LEAD, wanted.part_id, company)
    assert refused.value.status == 409


def test_nothing_comes_after_a_confirmed_or_dropped_part() -> None:
    assert not [step for state, step in PART_LIFE if state in (CONFIRMED, PartState.DROPPED)]


def test_an_invitation_expires_unless_it_was_answered() -> None:
    before, then = NOW - timedelta(seconds=1), NOW
    assert standing(InvitationState.OPEN, then, before) is InvitationState.OPEN
    assert standing(InvitationState.OPEN, then, then) is InvitationState.EXPIRED
    assert standing(InvitationState.CONFIRMED, then, then) is InvitationState.CONFIRMED


@pytest.mark.parametrize("state", [state for state in InvitationState if state is not InvitationState.OPEN])
def test_an_invitation_is_answered_once_and_in_time(state: InvitationState) -> None:
    assert answer_invitation(InvitationState.OPEN, PartStep.DECLINE) is InvitationState.DECLINED
    with pytest.raises(Problem, match=f"is {state}; ask the company that leads") as refused:
        answer_invitation(state, PartStep.CONFIRM)
    assert refused.value.status == 409
