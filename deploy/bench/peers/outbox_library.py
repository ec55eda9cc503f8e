"""faststream-outbox 0.19 as a relay to Kafka, as its documentation shows, but fetching far more rows at a time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from faststream.kafka import KafkaBroker
from faststream_outbox import OutboxBroker, make_outbox_table
from faststream_outbox.annotations import OutboxMessage
from sqlalchemy import MetaData
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.schema import CreateIndex, CreateTable

from shared.kafka import security
from shared.settings import Kafka

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
TABLE = make_outbox_table(MetaData(), "library_outbox")

FILL = """
insert into library_outbox (queue, payload, headers)
select 'bench', ($3::bytea[])[1 + n % array_length($3, 1)], jsonb_build_object(
    'key', 'key-' || n % $2, 'ce_specversion', '1.0', 'ce_id', gen_random_uuid(), 'ce_source', '/i2pcc/bench',
    'ce_type', 'ProposalSubmitted', 'ce_time', now(), 'traceparent', $4::text)
from generate_series(1, $1) n
"""
"""The same rows as ours has, in the columns that the library has for them."""


def create() -> list[str]:
    """The statements that make its table and indexes."""
    return [
        str(CreateTable(TABLE).compile(dialect=DIALECT)),
        *(str(CreateIndex(index).compile(dialect=DIALECT)) for index in TABLE.indexes),
    ]


@asynccontextmanager
async def relaying(url: str, kafka: Kafka, topic: str, workers: int) -> AsyncIterator[None]:
    """Its relay at work."""
    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://", 1), pool_size=workers + 2, max_overflow=5
    )
    broker = KafkaBroker(kafka.servers, security=security(kafka), acks="all", enable_idempotence=True, logger=None)
    outbox = OutboxBroker(engine, outbox_table=TABLE, logger=None)
    publisher = broker.publisher(topic)

    @outbox.subscriber(
        "bench",
        max_workers=workers,
        fetch_batch_size=500,
        min_fetch_interval=0.01,
        max_fetch_interval=0.1,
        terminal_flush_batch_size=100,
    )
    async def relay(message: OutboxMessage) -> None:
        await publisher.publish(message.body, key=message.headers["key"].encode(), headers=message.headers)

    await broker.start()
    await outbox.start()
    try:
        yield
    finally:
        await outbox.stop()
        await broker.stop()
        await engine.dispose()
