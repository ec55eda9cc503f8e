"""What a test puts in front of a service's loops, and what came of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from sqlalchemy import text

from deploy.waiting import until
from shared.bus import Consumer
from shared.events import Event
from shared.kafka import client
from shared.outbox import emit
from tests.shared.trial import Message, Trial


@asynccontextmanager
async def consuming(consumer: Consumer) -> AsyncIterator[None]:
    """Read the service's topics meanwhile."""
    await consumer.start()
    try:
        yield
    finally:
        await consumer.stop()


async def say(trial: Trial, *events: Event) -> None:
    """Emit in a transaction of their own."""
    async with trial.sessions() as db, db.begin():
        emit(db, *events)


async def publish(trial: Trial, *messages: Message) -> None:
    """Put messages on partition 0 of their topics, in order."""
    async with AIOKafkaProducer(**client(trial.kafka), acks="all", enable_idempotence=True) as producer:
        for each in messages:
            await producer.send_and_wait(each.topic, each.value, each.key, partition=0, headers=list(each.headers))


async def published(trial: Trial, topic: str | None = None) -> list[ConsumerRecord]:
    """What is on a topic (of notes) once the outbox is empty; partition by partition."""
    assert await becomes(trial, "select count(*) from outbox", 0)
    return await read(trial, topic)


async def read(trial: Trial, topic: str | None = None) -> list[ConsumerRecord]:
    """What is on a topic (of notes) now; partition by partition."""
    places = [TopicPartition(topic or trial.topics[0], partition) for partition in range(3)]
    found: list[ConsumerRecord] = []
    async with AIOKafkaConsumer(**client(trial.kafka), enable_auto_commit=False) as consumer:
        consumer.assign(places)
        for place, end in (await consumer.end_offsets(places)).items():
            consumer.seek(place, 0)
            while await consumer.position(place) < end:
                found.extend(*(await consumer.getmany(place, timeout_ms=1_000)).values())
    return found


async def rows(trial: Trial, query: str, **values: Any) -> list[Any]:
    """What a query finds now."""
    async with trial.onlooker() as db, db.begin():
        return list((await db.execute(text(query), values)).mappings())


async def value(trial: Trial, query: str, **values: Any) -> Any:
    """The one value that a query finds now."""
    async with trial.onlooker() as db, db.begin():
        return await db.scalar(text(query), values)


async def change(trial: Trial, statement: str, **values: Any) -> None:
    """Do what an operator would do by hand."""
    async with trial.onlooker() as db, db.begin():
        await db.execute(text(statement), values)


async def becomes(trial: Trial, query: str, wanted: Any, seconds: float = 60) -> bool:
    """Whether a query's one value becomes what is wanted, in time."""

    async def is_so() -> bool:
        return bool(await value(trial, query) == wanted)

    return await until(is_so, seconds)


async def acknowledged(trial: Trial, topic: str) -> int:
    """The offset that the service's group has committed on partition 0."""
    place = TopicPartition(topic, 0)
    async with AIOKafkaConsumer(**client(trial.kafka), group_id=trial.service, enable_auto_commit=False) as consumer:
        consumer.assign([place])
        return int(await consumer.committed(place) or 0)
