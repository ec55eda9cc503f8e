"""Where a bench runs: real servers on ports of their own, a scratch database, scratch topics."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.embedded.platform import Platform
from deploy.embedded.secrets import SUPERUSER
from deploy.manifest import ADMIN
from deploy.problems import Problem
from deploy.provision.database import with_database
from deploy.waiting import until
from shared.kafka import client

Figures: TypeAlias = dict[str, Any]
"""A bench's figures by name; under `ratio` one number per peer, how many times as fast the platform was."""

PARTITIONS = 6
PATIENCE = 900.0
"""Seconds after which a bench is given up."""


class Ground:
    """The servers, and what a bench needs of them."""

    def __init__(self, platform: Platform, kept: Path, sizes: Sequence[int] = ()) -> None:
        """Take them.

        Args:
            platform: the servers.
            kept: the folder for what the next run uses again.
            sizes: what the bench is to go through, if not its own.
        """
        self.platform, self.kept, self.sizes = platform, kept, sizes
        self.step = platform.steps.step
        """Tells on the screen what is being measured."""
        self.kafka = platform.kafka(ADMIN)
        self.url = with_database(platform.database_url(SUPERUSER), "bench")

    async def clear(self, *scripts: str) -> None:
        """Have an empty scratch database with these tables."""
        postgres = await asyncpg.connect(with_database(self.url, "postgres"))
        try:
            await postgres.execute("drop database if exists bench with (force)")
            await postgres.execute("create database bench")
        finally:
            await postgres.close()
        async with self.database() as database:
            for script in scripts:
                await database.execute(script)

    @asynccontextmanager
    async def database(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """A connection to the scratch database."""
        connection = await asyncpg.connect(self.url)
        try:
            yield connection
        finally:
            await connection.close()

    async def topic(self, name: str) -> None:
        """Make an empty topic."""
        admin = AIOKafkaAdminClient(**client(self.kafka))
        await admin.start()
        try:
            await admin.create_topics([NewTopic(name, PARTITIONS, 1)])
        finally:
            await admin.close()

    async def fill(self, topic: str, records: Iterable[tuple[bytes, bytes, list[tuple[str, bytes]]]]) -> None:
        """Write records (key, value, headers) to a topic."""
        async with AIOKafkaProducer(**client(self.kafka), acks="all", linger_ms=5) as producer:
            sent = [await producer.send(topic, value, key, headers=headers) for key, value, headers in records]
            await asyncio.gather(*sent)


async def eventually(what: str, condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for it.

    Raises:
        Problem: it did not happen in time, so that nothing was measured.
    """
    if not await until(condition, PATIENCE):
        raise Problem(f"It did not happen in {PATIENCE:.0f} s that {what}.", "Is the machine busy with other work?")


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that so many per cent do not exceed, interpolated; at least two values."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def milliseconds(seconds: Sequence[float]) -> Figures:
    """Median and 99th percentile, in ms."""
    return {"p50_ms": round(percentile(seconds, 50) * 1_000, 1), "p99_ms": round(percentile(seconds, 99) * 1_000, 1)}


async def at_rate(rate: float, count: int, work: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    """Begin so many pieces of work a second, however long each takes, and wait for all."""
    begin = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            await asyncio.sleep(max(0, begin + number / rate - time.perf_counter()))
            group.create_task(work(number))
