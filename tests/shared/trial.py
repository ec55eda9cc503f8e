"""A service on trial: events, tables and handlers of no real service, on topics and in a database of one test's own."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from aiokafka import ConsumerRecord
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from shared.bus import Consumer, Handlers, Reaction
from shared.db import Db, Sessions, newest_wins
from shared.events import Event
from shared.outbox import Relay
from shared.settings import Kafka


class NoteFacts(Event, topic="trial.notes.v1", key="note_id", abstract=True):
    """A note as it stands. Abstract, as all of these: the fixture `trial` puts them in the catalogue, for one test."""

    note_id: UUID
    text: str = ""


class NoteTaken(NoteFacts, abstract=True):
    """Somebody wrote a note."""


class NoteBurnt(NoteFacts, tombstone=True, abstract=True):
    """A note is to be forgotten."""

    version: int = 0


class PersonNamed(Event, topic="trial.persons.v1", key="person_id", personal=True, abstract=True):
    """Somebody told a name."""

    person_id: UUID
    name: str


EVENTS = {kind.__name__: kind for kind in (NoteTaken, NoteBurnt, PersonNamed)}


class Base(SQLModel, registry=registry()):
    """The trial's own registry."""


class Note(Base, table=True):
    """The copy that the projection keeps."""

    note_id: UUID = Field(primary_key=True)
    version: int
    text: str


class Effect(Base, table=True):
    """What a reaction did. Nothing is unique here, so that doing it twice shows."""

    id: int | None = Field(default=None, primary_key=True)
    event_id: UUID
    text: str


async def keep_notes(batch: Sequence[NoteTaken], db: Db) -> None:
    """Hold the newest state of each note."""
    await newest_wins(db, Note, batch)


async def act(event: NoteTaken, db: Db) -> None:
    """Leave a mark."""
    db.add(Effect(event_id=event.envelope.id, text=event.text))


def handlers(reaction: Reaction = act) -> Handlers:
    """A projection and a reaction to notes."""
    made = Handlers()
    made.project(NoteTaken, keeps=[Note])(keep_notes)
    made.react(NoteTaken)(reaction)
    return made


@dataclass(frozen=True)
class Message:
    """What is put on a topic, as wrong as one likes."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()

    def with_header(self, name: str, value: bytes | None) -> "Message":
        """The same with one header changed or added."""
        return replace(self, headers=tuple((dict(self.headers) | {name: value}).items()))

    def record(self, offset: int) -> ConsumerRecord:
        """The same as read from partition 0."""
        place = (self.topic, 0, offset, 0, 0)
        return ConsumerRecord(*place, self.key, self.value, None, -1, -1, self.headers)


def message(event: Event, event_id: UUID | None = None) -> Message:
    """An event as a relay would publish it."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(event_id or uuid4()),
        "ce_source": "/i2pcc/trial",
        "ce_type": type(event).__name__,
        "ce_time": datetime.now(UTC).isoformat(),
    }
    value = None if event.tombstone else event.model_dump_json().encode()
    pairs = tuple((name, text.encode()) for name, text in headers.items())
    return Message(event.topic, event.key_text().encode(), value, pairs)


def note(version: int = 1, text: str = "", note_id: UUID | None = None) -> NoteTaken:
    """A note, a new one unless its id is given."""
    return NoteTaken(note_id=note_id or uuid4(), version=version, text=text)


def person(name: str) -> PersonNamed:
    """Somebody new."""
    return PersonNamed(person_id=uuid4(), version=1, name=name)


@dataclass
class Trial:
    """One test's service: its name, database and topics."""

    service: str
    url: str
    kafka: Kafka = field(repr=False)
    topics: Sequence[str]
    """Of notes and of persons."""
    sessions: Sessions = field(repr=False)
    onlooker: Sessions = field(repr=False)
    """The test's own: what ends the service's connections leaves them alone."""

    def relay(self) -> Relay:
        """One of the service's relays."""
        return Relay(self.service, self.url, self.kafka)

    def consumer(self, made: Handlers | None = None, batch: int = 500) -> Consumer:
        """One of the service's consumers."""
        kafka = self.kafka.model_copy(update={"batch": batch})
        return Consumer(self.service, made or handlers(), self.sessions, kafka)
