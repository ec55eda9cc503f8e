"""The one moment that a backup is of: what the database shows, and where each topic ended when it did."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import asyncpg
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from deploy.problems import Problem
from deploy.provision.database import Connection

Place: TypeAlias = tuple[str, int]
"""A topic's partition."""

TRIES = 30
"""Each second one, if transactions that have written go on for long: commands must not wait behind us for longer."""
OUTBOXES = "select format('%I.outbox', schemaname) from pg_tables where tablename = 'outbox' order by 1"
ANSWER = 5.0
"""Seconds that Kafka gets to say where its topics end."""


@dataclass(frozen=True)
class Moment:
    """A snapshot that other connections can take part in while it is held, and the topics' ends in it."""

    at: datetime
    snapshot: str
    ends: Mapping[Place, int]


@asynccontextmanager
async def moment(url: str, admin: AdminClient, places: list[Place]) -> AsyncIterator[Moment]:
    """Hold one moment of the database; commands go on after some milliseconds.

    While no outbox can be written to, nothing is committed that says anything, and the relays take nothing away: so all
    that was published by then is before the ends, and all that is committed later comes after them.

    Args:
        url: of the superuser, with the database.
        admin: Kafka's.
        places: the partitions.

    Raises:
        Problem: transactions were open for too long.
    """
    holder, locker = await asyncpg.connect(url), await asyncpg.connect(url)
    try:
        async with holder.transaction(isolation="repeatable_read", readonly=True):
            outboxes = ", ".join(row[0] for row in await locker.fetch(OUTBOXES))
            for _ in range(TRIES):
                try:
                    held = await _held(holder, locker, outboxes, admin, places)
                    break
                except asyncpg.LockNotAvailableError:
                    await asyncio.sleep(1)
            else:
                raise Problem(
                    f"Some transaction has been open for {TRIES} seconds and more, so there was no moment to back up.",
                    "Find it in pg_stat_activity, end it, and run the same command again.",
                )
            yield held
    finally:
        await asyncio.gather(holder.close(), locker.close())


async def _held(
    holder: Connection, locker: Connection, outboxes: str, admin: AdminClient, places: list[Place]
) -> Moment:
    async with locker.transaction():
        await locker.execute("set local lock_timeout = '1s'")
        await locker.execute(f"lock table {outboxes} in share mode")
        row = await holder.fetchrow("select clock_timestamp() as at, pg_export_snapshot() as snapshot")
        assert row
        return Moment(row["at"], row["snapshot"], await asyncio.to_thread(ends_of, admin, places))


def ends_of(admin: AdminClient, places: list[Place]) -> dict[Place, int]:
    """The offset after each partition's last record."""
    asked = {TopicPartition(*place): OffsetSpec.latest() for place in places}
    answers = admin.list_offsets(asked, request_timeout=ANSWER)
    return {(place.topic, place.partition): answer.result().offset for place, answer in answers.items()}
