"""Files into topics that are empty. Offsets begin at 0 there: `Places` knows which one a record has now."""

from array import array
from base64 import b64decode
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from gzip import GzipFile
from itertools import chain
from pathlib import Path
from threading import Event
from typing import TypeAlias
from uuid import UUID

import orjson
from confluent_kafka import KafkaError, Producer

from deploy.backup import contents
from deploy.backup.moment import Place
from deploy.manifest import MAX_MESSAGE_BYTES
from deploy.problems import Problem
from deploy.provision.admin import client
from shared.events import ContactErased
from shared.settings import Kafka

PATIENCE = 60.0
"""Seconds until what was written last must be acknowledged."""
Published: TypeAlias = tuple[str, str]
"""A topic, and the id of an event on it."""


@dataclass
class Places:
    """By partition, the offsets that its records had, in order: a record's offset now is its place among them."""

    had: dict[Place, "array[int]"] = field(default_factory=lambda: defaultdict(lambda: array("q")))

    def position(self, place: Place, had: int) -> int:
        """Where a reader goes on that would have read this offset next."""
        return bisect_left(self.had.get(place, ()), had)

    def offset(self, place: Place, had: int) -> int | None:
        """The offset of the record that had this one; None if it is not there any more."""
        found = self.position(place, had)
        return found if self.had.get(place, array("q"))[found : found + 1] == array("q", [had]) else None

    @property
    def ends(self) -> dict[Place, int]:
        """The offset after each partition's last record now."""
        return {place: len(offsets) for place, offsets in self.had.items()}


@dataclass
class Loaded:
    """What came of it."""

    places: Places = field(default_factory=Places)
    found: set[Published] = field(default_factory=set)
    """Of the events that were looked for those that are there."""


def load(
    kafka: Kafka,
    folder: Path,
    topics: Iterable[str],
    erased: Iterable[UUID],
    wanted: Collection[Published],
    stopped: Event,
) -> Loaded:
    """Write every record with its key, headers, time and partition, but nothing of people who are erased.

    Args:
        kafka: the broker, and the admin there.
        folder: of the backup.
        topics: which.
        erased: contacts.
        wanted: events to look for on the way.
        stopped: ends it early.

    Raises:
        Problem: the broker did not take it.
    """
    forgotten = {str(contact_id).encode() for contact_id in erased}
    loaded = Loaded()
    with _producing(kafka) as producer:
        for record in chain.from_iterable(_records(folder, topic) for topic in sorted(topics)):
            if stopped.is_set():
                break
            if record.topic == ContactErased.topic and record.value is not None and record.key in forgotten:
                continue
            _produce(producer, record)
            loaded.places.had[record.topic, record.partition].append(record.offset)
            if record.published in wanted:
                loaded.found.add(record.published)
    return loaded


@dataclass(frozen=True)
class Record:
    """A record as it was."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]

    @property
    def published(self) -> Published:
        """What an outbox would know of it."""
        return self.topic, (dict(self.headers).get("ce_id") or b"").decode("latin-1")


def _records(folder: Path, topic: str) -> Iterator[Record]:
    with GzipFile(contents.topic_file(folder, topic), "rb") as packed:
        for fields in map(orjson.loads, packed):
            fields |= {name: _bytes(fields[name]) for name in ("key", "value")}
            fields["headers"] = [(name, _bytes(text)) for name, text in fields["headers"]]
            yield Record(topic, **fields)


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)


@contextmanager
def _producing(kafka: Kafka) -> Iterator[Producer]:
    """A producer that has handed over everything in the end.

    Raises:
        Problem: it could not.
    """
    failures: list[KafkaError] = []

    def told(error: KafkaError | None, _: object) -> None:
        if error:
            failures.append(error)

    more = {"enable.idempotence": True, "message.max.bytes": 2 * MAX_MESSAGE_BYTES, "on_delivery": told}
    producer = Producer(client(kafka) | more)
    yield producer
    if producer.flush(PATIENCE) or failures:
        reason = failures[0].str() if failures else f"no answer within {PATIENCE:.0f} seconds"
        raise Problem(f"Kafka at {kafka.servers} did not take what was in the backup: {reason}")


def _produce(producer: Producer, record: Record) -> None:
    """Hand a record over as soon as there is room for it."""
    fields = {name: value for name, value in vars(record).items() if name != "offset"}
    while True:
        try:
            producer.produce(**fields)
            producer.poll(0)
            return
        except BufferError:
            producer.poll(0.1)
