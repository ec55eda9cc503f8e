"""What counts as breaking a reader, one rule a test."""

from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, create_model

from tests.contracts.compatibility import breaks


class Colour(StrEnum):
    """What the golden schema allows."""

    RED = "red"
    BLUE = "blue"


class FewerColours(StrEnum):
    """One taken away."""

    RED = "red"


class MoreColours(StrEnum):
    """One added."""

    RED = "red"
    BLUE = "blue"
    GREEN = "green"


class Piece(BaseModel):
    """Something nested."""

    size: int


GOLDEN: dict[str, Any] = {
    "id": (UUID, ...),
    "title": (str, ...),
    "colour": (Colour, ...),
    "pieces": (tuple[Piece, ...], ...),
    "note": (str | None, None),
}


def broken_by(**changes: Any) -> list[str]:
    """What a reader notices when these fields of the golden model become others; None takes one away."""
    fields = {name: field for name, field in (GOLDEN | changes).items() if field is not None}
    current: type[BaseModel] = create_model("Event", **fields)
    golden: type[BaseModel] = create_model("Event", **GOLDEN)
    return breaks(golden.model_json_schema(), current.model_json_schema())


def test_unchanged_event_breaks_nobody() -> None:
    assert broken_by() == []


def test_new_optional_field_breaks_nobody() -> None:
    assert broken_by(extra=(int | None, None)) == []


def test_removed_field_breaks_its_readers() -> None:
    assert broken_by(note=None) == ["note: field removed"]


def test_new_required_field_breaks_the_reading_of_older_events() -> None:
    assert broken_by(extra=(int, ...)) == ["extra: new required field"]


def test_optional_field_that_becomes_required_breaks_the_reading_of_older_events() -> None:
    assert broken_by(note=(str | None, ...)) == ["note: now required"]


def test_required_field_that_may_be_left_out_breaks_older_readers() -> None:
    assert broken_by(title=(str, "untitled")) == ["title: no longer required"]


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ((int, ...), "title: type changed from string to integer"),
        ((UUID, ...), "title: type changed from string to string (uuid)"),
        ((str | None, ...), "title: type changed from string to string or null"),
        ((tuple[str, ...], ...), "title: type changed from string to array"),
        ((Colour, ...), "title: type changed from string to one of some strings"),
    ],
)
def test_changed_type_breaks_readers(field: Any, message: str) -> None:
    assert broken_by(title=field) == [message]


def test_removed_enum_value_breaks_the_reading_of_older_events() -> None:
    assert broken_by(colour=(FewerColours, ...)) == ["colour: enum value 'blue' removed"]


def test_added_enum_value_breaks_nobody_who_is_upgraded_first() -> None:
    assert broken_by(colour=(MoreColours, ...)) == []


def test_breaks_are_found_inside_lists_of_objects() -> None:
    smaller = create_model("Piece", weight=(int, ...))
    assert broken_by(pieces=(tuple[smaller, ...], ...)) == [
        "pieces[].size: field removed",
        "pieces[].weight: new required field",
    ]
