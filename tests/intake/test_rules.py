"""Intake decides well."""

from uuid import UUID, uuid4

import pytest

from services.intake.rules import answer_part, check_puzzle, members, normal_number
from shared.events import Part, PartState
from shared.problems import Problem

LEAD, MINE, THEIRS = uuid4(), uuid4(), uuid4()


def part(company: UUID = MINE, state: PartState = PartState.OPEN, title: str = "Drying") -> Part:
    """One part of a puzzle."""
    return Part(part_id=uuid4(), title=title, company_id=company, state=state)


@pytest.mark.parametrize("written", ["0403170701", "0403.170.701", "BE 0403.170.701", "be0403 170 701"])
def test_an_enterprise_number_is_ten_digits_however_it_is_written(written: str) -> None:
    assert normal_number(written) == "0403170701"


@pytest.mark.parametrize("wrong", ["", "BE", "040317070", "04031707010", "2403170701", "０４０３１７０７０１"])
def test_a_number_of_other_length_or_beginning_is_refused(wrong: str) -> None:
    with pytest.raises(Problem, match="ten digits") as refused:
        normal_number(wrong)
    assert refused.value.status == 422


@pytest.mark.parametrize("mistyped", ["0403170702", "0403170710", "0430170701"])
def test_a_mistyped_digit_is_found(mistyped: str) -> None:
    with pytest.raises(Problem, match="do not check"):
        normal_number(mistyped)


def test_check_digits_of_a_multiple_of_97_are_97() -> None:
    assert normal_number("0000009797") == "0000009797"


def test_every_part_may_have_its_own_company() -> None:
    check_puzzle(LEAD, [MINE, THEIRS])


@pytest.mark.parametrize(("owners", "why"), [([MINE, LEAD], "the lead"), ([MINE, THEIRS, MINE], "twice")])
def test_a_company_brings_one_part_and_the_lead_none(owners: list[UUID], why: str) -> None:
    with pytest.raises(Problem, match=why):
        check_puzzle(LEAD, owners)


@pytest.mark.parametrize("state", [PartState.CONFIRMED, PartState.DECLINED])
def test_an_answer_changes_the_own_part_alone(state: PartState) -> None:
    mine, theirs = part(), part(THEIRS)
    after = answer_part([theirs, mine], mine.part_id, MINE, state, closed=False)
    assert after == [theirs, mine.model_copy(update={"state": state})]


def test_somebody_elses_part_is_not_there() -> None:
    theirs = part(THEIRS)
    with pytest.raises(Problem) as refused:
        answer_part([part(), theirs], theirs.part_id, MINE, PartState.DECLINED, closed=False)
    assert refused.value.status == 404


@pytest.mark.parametrize("state", [PartState.CONFIRMED, PartState.DECLINED])
def test_a_part_is_answered_once(state: PartState) -> None:
    mine = part(state=state)
    with pytest.raises(Problem, match=f"was {state} already"):
        answer_part([mine], mine.part_id, MINE, PartState.CONFIRMED, closed=False)


def test_a_part_no_longer_changes_once_the_proposal_is_submitted() -> None:
    mine = part()
    with pytest.raises(Problem, match="no longer change"):
        answer_part([mine], mine.part_id, MINE, PartState.DECLINED, closed=True)


def test_the_lead_comes_first_among_the_members() -> None:
    parts = [part(THEIRS, PartState.CONFIRMED), part(MINE, PartState.CONFIRMED)]
    assert members(LEAD, parts) == [LEAD, THEIRS, MINE]


@pytest.mark.parametrize("state", [PartState.OPEN, PartState.DECLINED])
def test_an_unconfirmed_part_is_named_when_the_lead_would_submit(state: PartState) -> None:
    parts = [part(THEIRS, PartState.CONFIRMED, "Sorting"), part(MINE, state, "Drying")]
    with pytest.raises(Problem, match=r"confirmed yet: Drying\.") as refused:
        members(LEAD, parts)
    assert refused.value.status == 409
