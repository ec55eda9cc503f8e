"""Intake decides well."""

from uuid import uuid4

import pytest

from services.intake.rules import (
    check_proposal,
    normal_number,
)
from shared.events import ProposalKind, Teaser
from shared.problems import Problem


@pytest.mark.parametrize("written", ["0403170701", "0403.170.701", "BE 0403.170.701", "be0403 170 701", "403170701"])
def test_an_enterprise_number_is_ten_digits_however_it_is_written(written: str) -> None:
    assert normal_number(written) == "0403170701"


def test_an_enterprise_number_may_begin_with_1() -> None:
    assert normal_number("1000.000.021") == "1000000021"


@pytest.mark.parametrize("wrong", ["", "BE", "12345678", "04031707010", "2403170701", "0403x170701", "0000000000"])
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


def test_a_teaser_shows_a_summary_only_if_there_is_one() -> None:
    check_proposal(ProposalKind.PROPOSAL, Teaser.SUMMARY, "Dries filter dust.", None)
    check_proposal(ProposalKind.PROPOSAL, Teaser.TITLE, None, None)
    with pytest.raises(Problem, match=r"body\.summary"):
        check_proposal(ProposalKind.PROPOSAL, Teaser.SUMMARY, None, None)


def test_an_interest_is_one_companys_own() -> None:
    check_proposal(ProposalKind.INTEREST, Teaser.TITLE, None, None)
    check_proposal(ProposalKind.PROPOSAL, Teaser.TITLE, None, uuid4())
    with pytest.raises(Problem, match=r"body\.kind"):
        check_proposal(ProposalKind.INTEREST, Teaser.TITLE, None, uuid4())
