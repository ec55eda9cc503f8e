"""The tables of every service that speak of topics: what waits to be published, and records that were put aside."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import asyncpg

from deploy.backup.writing import Places, Published
from deploy.embedded.platform import Platform
from deploy.embedded.secrets import SUPERUSER
from deploy.provision.database import Connection

SCHEMAS = "select quote_ident(schemaname) from pg_tables where tablename = 'outbox' order by 1"
WAITING = "select topic, event_id::text from {}.outbox"
DROP = "delete from {}.outbox where topic = $1 and event_id = $2"
LETTERS = 'select id, topic, partition, "offset" from {}.dead_letter'
ASIDE = 'update {}.dead_letter set "offset" = -1 - "offset"'
"""Out of the way of the new offsets, and before every log's beginning: a record that is not there any more."""
MOVED = 'update {}.dead_letter set "offset" = $2 where id = $1'


async def waiting(platform: Platform) -> set[Published]:
    """All that is in an outbox: topic and event id."""
    async with _connected(platform) as (connection, schemas):
        return {tuple(row) for schema in schemas for row in await connection.fetch(WAITING.format(schema))}


async def drop(platform: Platform, published: Collection[Published]) -> None:
    """Take out of the outboxes what is on its topic: its relay had sent it, and not yet deleted the row."""
    async with _connected(platform) as (connection, schemas):
        for schema in schemas:
            await connection.executemany(DROP.format(schema), list(published))


async def move_letters(platform: Platform, places: Places) -> None:
    """Have dead letters name their records' offsets of now: a personal one is read from its topic again."""
    async with _connected(platform) as (connection, schemas):
        for schema in schemas:
            letters = await connection.fetch(LETTERS.format(schema))
            offsets = ((row["id"], places.offset((row["topic"], row["partition"]), row["offset"])) for row in letters)
            moved = [(row_id, offset) for row_id, offset in offsets if offset is not None]
            async with connection.transaction():
                await connection.execute(ASIDE.format(schema))
                await connection.executemany(MOVED.format(schema), moved)


@asynccontextmanager
async def _connected(platform: Platform) -> AsyncIterator[tuple[Connection, list[str]]]:
    """A connection that may change everything, and the services' schemas."""
    connection = await asyncpg.connect(platform.database_url(SUPERUSER))
    try:
        yield connection, [row[0] for row in await connection.fetch(SCHEMAS)]
    finally:
        await connection.close()
