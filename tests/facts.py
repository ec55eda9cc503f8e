"""Events as a service receives them."""

from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import uuid4

from deploy.event_examples import example
from shared.events import Envelope, Event

E = TypeVar("E", bound=Event)


def received(kind: type[E], /, **fields: Any) -> E:
    """The event's example of docs/events.md with these fields (and `traceparent`), read from its topic just now."""
    traceparent = fields.pop("traceparent", None)
    event = kind.model_validate((example(kind) or {}) | fields)
    envelope = Envelope(
        id=uuid4(),
        type=kind.__name__,
        time=datetime.now(UTC),
        traceparent=traceparent,
        topic=event.topics()[0],
        partition=0,
        offset=0,
    )
    return event.received(envelope)
