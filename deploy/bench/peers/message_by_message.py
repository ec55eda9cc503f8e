"""The same work done by a plain FastStream subscriber: one message a transaction, an ack for each."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlmodel import col

from deploy.bench.tables import Inbox, NeedRow, OutboxRow, Seen, thanks
from shared.events import NeedPosted
from shared.kafka import security
from shared.settings import Kafka

Work = Callable[[AsyncSession, NeedPosted, str], Awaitable[None]]


async def nothing(db: AsyncSession, event: NeedPosted, message_id: str) -> None:
    """Read the message, and that is all."""


async def project(db: AsyncSession, event: NeedPosted, message_id: str) -> None:
    """Keep a copy, if it is newer."""
    statement = insert(NeedRow).values(NeedRow.model_validate(event.model_dump()).model_dump())
    newer = {column: statement.excluded[column] for column in NeedRow.model_fields if column != "need_id"}
    await db.execute(
        statement.on_conflict_do_update(
            index_elements=["need_id"], set_=newer, where=col(NeedRow.version) < statement.excluded.version
        )
    )
    await db.commit()


async def react(db: AsyncSession, event: NeedPosted, message_id: str) -> None:
    """Once a message: write a row, and an event to the outbox."""
    inbox = insert(Inbox).values(event_id=message_id).on_conflict_do_nothing().returning(col(Inbox.event_id))
    if (await db.execute(inbox)).first() is None:
        return
    said = thanks(event)
    db.add(Seen(need_id=event.need_id, title=event.title))
    db.add(
        OutboxRow(
            event_id=uuid4(),
            type=type(said).__name__,
            topic=said.topic,
            key=said.key_text(),
            value=said.model_dump_json().encode(),
        )
    )
    await db.commit()


@asynccontextmanager
async def subscribed(engine: AsyncEngine, kafka: Kafka, topic: str, group: str, work: Work) -> AsyncIterator[list[int]]:
    """The subscriber at work; the list holds how many messages it has handled."""
    made = async_sessionmaker(engine, expire_on_commit=False)
    handled = [0]
    broker = KafkaBroker(kafka.servers, security=security(kafka), logger=None)

    @broker.subscriber(topic, group_id=group, auto_offset_reset="earliest", ack_policy=AckPolicy.NACK_ON_ERROR)
    async def handle(event: NeedPosted, message: KafkaMessage) -> None:
        async with made() as db:
            await work(db, event, message.headers["ce_id"])
        handled[0] += 1

    await broker.start()
    try:
        yield handled
    finally:
        await broker.stop()
