"""Regions' decisions: values in, a decision out."""

from datetime import date

from shared.problems import invalid


def check_deadline(deadline: date | None, today: date) -> None:
    """A deadline lies ahead.

    Raises:
        Problem: 422.
    """
    if deadline is not None and deadline <= today:
        raise invalid("body.deadline", f"must be after today, {today.isoformat()}")
