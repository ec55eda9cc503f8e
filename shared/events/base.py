"""What every event is: a frozen pydantic model that knows its topic, its key and its CloudEvents type."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, PrivateAttr

CATALOG: dict[str, type["Event"]] = {}
"""Every concrete event class by its CloudEvents type."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Where a received event came from: its CloudEvents attributes and its place in Kafka."""

    id: UUID
    type: str
    time: datetime
    traceparent: str | None
    topic: str
    partition: int
    offset: int


class Value(BaseModel):
    """A part of an event that has no life of its own. Unknown fields are ignored, as in the event itself."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


class Event(BaseModel):
    """A fact in the past tense, with its aggregate's whole public state and version.

    A class with `abstract=True` holds the fields that a family of events shares. Unknown fields are ignored, so that
    a producer may add optional ones.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    topic: ClassVar[str]
    key: ClassVar[str]
    copies: ClassVar[str | None] = None
    """A second topic, as a template over the fields, for the events that `copied` says."""
    personal: ClassVar[bool] = False
    """Its topic carries personal data: values are kept out of dead letters and logs."""
    tombstone: ClassVar[bool] = False
    """A null value: only the key is left, and compaction erases what came before."""

    version: int
    """Counts the aggregate's changes, from 1; the newest one holds."""
    _envelope: Envelope | None = PrivateAttr(default=None)

    @classmethod
    def __init_subclass__(
        cls,
        *,
        topic: str | None = None,
        key: str | None = None,
        copies: str | None = None,
        personal: bool | None = None,
        tombstone: bool = False,
        abstract: bool = False,
        **kwargs: Any,
    ) -> None:
        """Note the place that the class statement's keywords give."""
        super().__init_subclass__(**kwargs)
        for name, value in {"topic": topic, "key": key, "copies": copies, "personal": personal}.items():
            if value is not None:
                setattr(cls, name, value)
        cls.tombstone = tombstone
        if not abstract:
            CATALOG[cls.__name__] = cls

    @property
    def copied(self) -> bool:
        """Whether this event goes to the `copies` topic too."""
        return False

    def as_copied(self) -> Self:
        """What the `copies` topic is told: the event, without what is not for its readers."""
        return self

    def topics(self) -> tuple[str, ...]:
        """The topics this event is published to."""
        if self.copies and self.copied:
            return self.topic, self.copies.format_map(dict(self))
        return (self.topic,)

    def key_text(self) -> str:
        """The Kafka key: the aggregate's id as text."""
        return str(getattr(self, self.key))

    @property
    def envelope(self) -> Envelope:
        """Where it was read from; only a received event has one."""
        if self._envelope is None:
            raise AttributeError("this event was made here, not received")
        return self._envelope

    def received(self, envelope: Envelope) -> Self:
        """The same event, knowing where it came from."""
        self._envelope = envelope
        return self
