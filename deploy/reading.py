"""Topics, read from their beginning to where they end now, by who may read them and without a group."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from deploy.problems import Problem
from shared.kafka import client, explain
from shared.settings import Kafka


@dataclass(frozen=True)
class Reader:
    """Reads on from where it is."""

    consumer: AIOKafkaConsumer

    async def gone(self) -> Mapping[str, int]:
        """How many records each topic no longer has at its beginning, where it is not none."""
        found: dict[str, int] = {}
        for place, first in (await self.consumer.beginning_offsets(self.consumer.assignment())).items():
            if first:
                found[place.topic] = found.get(place.topic, 0) + first
        return found

    async def place(self) -> dict[TopicPartition, int]:
        """Where it is; `back` goes there again."""
        return {each: await self.consumer.position(each) for each in self.consumer.assignment()}

    def back(self, to: Mapping[TopicPartition, int]) -> None:
        """Read again from there."""
        for place, offset in to.items():
            self.consumer.seek(place, offset)

    async def to_end(self) -> AsyncIterator[list[ConsumerRecord]]:
        """Batches up to what the topics' ends are when it is called; those of a partition are in order."""
        ends = await self.ends()
        while any([await self.consumer.position(place) < end for place, end in ends.items()]):
            for records in (await self.consumer.getmany(timeout_ms=200, max_records=5_000)).values():
                yield records

    async def ends(self) -> dict[TopicPartition, int]:
        """Where each partition ends now."""
        ends: dict[TopicPartition, int] = await self.consumer.end_offsets(self.consumer.assignment())
        return ends


@asynccontextmanager
async def reading(kafka: Kafka, topics: Iterable[str]) -> AsyncIterator[Reader]:
    """All partitions of these topics, from their beginning.

    Raises:
        Problem: the broker is away, or refuses.
    """
    consumer = AIOKafkaConsumer(*topics, **client(kafka), enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        await consumer.start()
        yield Reader(consumer)
    except KafkaError as error:
        raise Problem(f"{explain(kafka, error)}.", "See: i2pcc status") from error
    finally:
        await consumer.stop()
