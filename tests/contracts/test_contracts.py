"""Every event against its golden schema: what changed, and whether a reader would break."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

import shared.events
from shared.events import CATALOG, Event
from tests.contracts.compatibility import breaks
from tests.contracts.refresh import GOLDEN, schema, text

# JSON has no infinities.
st.register_type_strategy(float, st.floats(0, 1))

every_event = pytest.mark.parametrize("event", CATALOG.values(), ids=CATALOG)


@every_event
def test_no_reader_is_broken(event: type[Event]) -> None:
    golden = GOLDEN / f"{event.__name__}.json"
    if golden.exists():
        broken = breaks(json.loads(golden.read_bytes()), schema(event))
        assert not broken, "a break is a new topic version: " + "; ".join(broken)


@every_event
def test_schema_is_the_golden_one(event: type[Event]) -> None:
    golden = GOLDEN / f"{event.__name__}.json"
    assert golden.exists(), "a new event: python -m tests.contracts.refresh"
    assert text(event) == golden.read_text(encoding="utf-8"), "if it is meant: python -m tests.contracts.refresh"


def test_removed_event_breaks_the_reading_of_older_ones() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} <= CATALOG.keys()


@every_event
@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_event_survives_the_wire(event: type[Event], data: st.DataObject) -> None:
    said = data.draw(events(event))
    assert event.model_validate_json(said.model_dump_json()) == said


@every_event
def test_unknown_fields_are_ignored(event: type[Event]) -> None:
    assert event.model_config.get("extra") == "ignore"


def test_docstrings_of_fields_reach_the_schemas() -> None:
    models = [kind for kind in vars(shared.events).values() if isinstance(kind, type) and issubclass(kind, BaseModel)]
    assert shared.events.Part in models
    assert all(model.model_config.get("use_attribute_docstrings") for model in models)


def events(event: type[Event]) -> st.SearchStrategy[Event]:
    """Any instance of the event."""
    fields: dict[str, st.SearchStrategy[Any]] = {
        name: st.from_type(field.rebuild_annotation()) for name, field in event.model_fields.items()
    }
    return st.builds(event, **fields)
