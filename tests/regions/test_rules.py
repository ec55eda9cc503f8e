"""Regions decides well."""

from datetime import date

import pytest

from services.regions.rules import check_deadline
from shared.problems import Problem

TODAY = date(2026, 3, 1)


@pytest.mark.parametrize("deadline", [None, date(2026, 3, 2), date.max])
def test_a_deadline_lies_ahead_or_is_left_out(deadline: date | None) -> None:
    check_deadline(deadline, TODAY)


@pytest.mark.parametrize("deadline", [TODAY, date(2026, 2, 28), date.min])
def test_a_deadline_of_today_or_before_is_refused_and_told_what_is_allowed(deadline: date) -> None:
    with pytest.raises(Problem, match="after today, 2026-03-01") as refused:
        check_deadline(deadline, TODAY)
    assert refused.value.status == 422
    assert [error.field for error in refused.value.document.errors] == ["body.deadline"]
