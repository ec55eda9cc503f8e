"""What a network or a stranger does to a topic: records again, out of order, or unreadable."""

import asyncio
import time
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord

from deploy.chaos.scene import Scene
from deploy.problems import Problem
from deploy.reading import reading
from shared.kafka import client

AGAIN = 10
"""One in so many records is published again."""
POISONED = ("i2pcc.needs.v1", "i2pcc.proposals.v1")


async def duplicates(scene: Scene, seconds: float) -> None:
    """Publish one in ten records again, and each second pair of a key's neighbours in the wrong order."""
    end, again, swapped = time.monotonic() + seconds, 0, 0
    last: dict[tuple[str, bytes | None], ConsumerRecord] = {}
    async with (
        reading(scene.kafka, scene.topics) as reader,
        AIOKafkaProducer(**client(scene.kafka), acks="all") as producer,
    ):
        reader.back(await reader.ends())
        ours: set[tuple[str, int, int]] = set()
        while time.monotonic() < end:
            for record in await _some(reader.consumer):
                if (record.topic, record.partition, record.offset) in ours:
                    continue
                place = record.topic, record.key
                sending = []
                if before := last.get(place):
                    sending, swapped = [record, before], swapped + 1
                elif scene.dice.randrange(AGAIN) == 0:
                    sending, again = [record], again + 1
                last[place] = record
                for each in sending:
                    made = await producer.send_and_wait(each.topic, each.value, each.key, headers=list(each.headers))
                    ours.add((made.topic, made.partition, made.offset))
    if not (again and swapped):
        raise Problem(f"{again} records were published again, {swapped} pairs swapped.", "Give it more --seconds.")


async def poison(scene: Scene, seconds: float) -> None:
    """Publish what nobody can read, of four kinds, among what is good."""
    end = time.monotonic() + seconds
    async with AIOKafkaProducer(**client(scene.kafka), acks="all") as producer:
        while time.monotonic() < end:
            for topic in POISONED:
                for value, key, headers in _kinds(topic):
                    await producer.send_and_wait(topic, value, key, headers=headers)
                    for service in scene.platform.manifest.topic(topic).readers:
                        if service in scene.poison:
                            scene.poison[service] += 1
            await asyncio.sleep(1)


def _kinds(topic: str) -> list[tuple[bytes, bytes, list[tuple[str, bytes]]]]:
    """No JSON, no such event, a header that is no text, a body that lacks what the event must have."""
    kind = "NeedPosted" if "needs" in topic else "ProposalSubmitted"
    key = str(uuid4()).encode()

    def headers(kind: bytes) -> list[tuple[str, bytes]]:
        return [("ce_id", str(uuid4()).encode()), ("ce_type", kind), ("ce_time", b"2026-01-01T00:00:00+00:00")]

    return [
        (b"\x00not json", key, headers(kind.encode())),
        (b"{}", key, headers(b"NothingKnown")),
        (b"{}", key, [*headers(kind.encode()), ("ce_source", b"\xff\xfe")]),
        (b'{"version": 1}', key, headers(kind.encode())),
    ]


async def _some(consumer: AIOKafkaConsumer) -> list[ConsumerRecord]:
    found = await consumer.getmany(timeout_ms=200)
    return [record for records in found.values() for record in records]
