"""Topics into files: each record a line of JSON, as it is, up to where the topic ended in the backup's moment."""

import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from gzip import GzipFile
from pathlib import Path
from threading import Event

import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from deploy.backup import contents
from deploy.backup.moment import Place
from deploy.problems import Problem
from deploy.provision.admin import client
from shared.settings import Kafka

PATIENCE = 30.0
"""Seconds that the broker may say nothing."""
LEVEL = 3
"""Of gzip: most of what it can do for JSON, at the speed of the broker."""


def save(kafka: Kafka, ends: Mapping[Place, int], folder: Path, stopped: Event) -> Counter[str]:
    """Write a file for each topic; one partition's records are in order.

    Args:
        kafka: the broker, and the admin there.
        ends: by partition, the offset before which everything is read.
        folder: of the backup.
        stopped: ends it early.

    Returns:
        Records by topic.

    Raises:
        Problem: the broker says nothing any more.
    """
    saved: Counter[str] = Counter()
    with ExitStack() as stack:
        files = {topic: stack.enter_context(_file(folder, topic)) for topic in sorted({place[0] for place in ends})}
        for message in _messages(kafka, ends, stopped):
            files[message.topic()].write(_line(message))
            saved[message.topic()] += 1
    return saved


@contextmanager
def _file(folder: Path, topic: str) -> Iterator[GzipFile]:
    with contents.create(contents.topic_file(folder, topic)) as raw, GzipFile(topic, "wb", LEVEL, raw) as packed:
        yield packed


def _line(message: Message) -> bytes:
    """A record as a line: bytes in Base64, the time in milliseconds, nulls as they are."""
    fields = {
        "partition": message.partition(),
        "offset": message.offset(),
        "timestamp": message.timestamp()[1],
        "key": _text(message.key()),
        "value": _text(message.value()),
        "headers": [(name, _text(value)) for name, value in message.headers() or ()],
    }
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def _text(value: bytes | None) -> str | None:
    return None if value is None else b64encode(value).decode()


def _messages(kafka: Kafka, ends: Mapping[Place, int], stopped: Event) -> Iterator[Message]:
    """Everything before the ends. Compaction and retention have left gaps, also at an end."""
    more = {"group.id": "i2pcc-backup", "enable.auto.commit": False, "enable.partition.eof": True}
    with closing(Consumer(client(kafka) | more)) as consumer:
        pending = {place for place, end in ends.items() if end > 0}
        consumer.assign([TopicPartition(*place, OFFSET_BEGINNING) for place in pending])
        heard = time.monotonic()
        while pending and not stopped.is_set():
            for message in consumer.consume(1_000, timeout=0.5):
                place = (message.topic(), message.partition())
                if place not in pending:  # past its end; or of none: a connection was lost, which the library mends
                    continue
                heard = time.monotonic()
                if _is_end(message) or message.offset() >= ends[place]:
                    consumer.pause([TopicPartition(*place)])
                    pending.remove(place)
                else:
                    yield message
            if time.monotonic() > heard + PATIENCE:
                raise Problem(f"Kafka at {kafka.servers} says nothing any more.", "Is it up? See: i2pcc status")


def _is_end(message: Message) -> bool:
    """Whether it says that a partition has no more for now.

    Raises:
        KafkaException: it tells of a mistake.
    """
    error = message.error()
    if error and error.code() != KafkaError._PARTITION_EOF:
        raise KafkaException(error)
    return bool(error)
