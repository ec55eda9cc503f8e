"""What a fault is made on: real processes, the topics and tables as the one who may do all sees them."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from confluent_kafka import KafkaException

from deploy.chaos.ledger import Ledger
from deploy.embedded.platform import Platform
from deploy.embedded.secrets import SUPERUSER
from deploy.manifest import ADMIN
from deploy.problems import Problem
from deploy.reading import reading
from deploy.settings import SERVICES, free_ports
from deploy.status.groups import Group, groups
from deploy.waiting import abandonable, until

Places: TypeAlias = Mapping[TopicPartition, int]
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
PATIENCE = 90.0
"""Seconds within which what a fault waits for has to happen."""


class Scene:
    """The platform, the dice of this run, and what the fault has put in."""

    def __init__(self, platform: Platform, dice: random.Random, ledger: Ledger) -> None:
        self.platform, self.dice, self.ledger = platform, dice, ledger
        self.kafka = platform.kafka(ADMIN)
        self.services = SERVICES
        self.topics = tuple(topic.name for topic in platform.manifest.topics)
        self.told: list[str] = []
        """What the fault has measured, in sentences."""
        self.poison: dict[str, int] = dict.fromkeys(self.services, 0)
        """Dead letters that each service must have in the end, by what was put in."""

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Connection]:
        """A connection that may do and see everything."""
        connection = await asyncpg.connect(self.platform.database_url(SUPERUSER))
        try:
            yield connection
        finally:
            await connection.close()

    async def ends(self) -> Places:
        """Where each partition ends now."""
        async with reading(self.kafka, self.topics) as reader:
            return await reader.ends()

    async def records(self, since: Places) -> list[ConsumerRecord]:
        """All that has come to the topics since then, one partition's records in order."""
        async with reading(self.kafka, self.topics) as reader:
            reader.back(since)
            return [record async for records in reader.to_end() for record in records]

    async def lag(self) -> dict[str, int]:
        """By service, how many records it has not acknowledged yet."""
        return {group.name: sum(group.lag.values()) for group in await self._groups()}

    async def members(self, service: str) -> int:
        """How many processes of a service are in its group."""
        return next(group.members for group in await self._groups() if group.name == service)

    def dead(self, service: str) -> bool:
        """Whether the service's first process has ended."""
        return self.platform.process(service) is None

    async def kill(self, part: str) -> None:
        """End a part as a crash would."""
        if self.dead(part):
            raise Problem(f"{part} was to be killed, but it does not run.")
        await asyncio.to_thread(self.platform.kill, part)

    @asynccontextmanager
    async def halted(self, part: str) -> AsyncIterator[None]:
        """Stop a part where it stands (SIGSTOP), and let it go on in the end."""
        process = self.platform.process(part)
        if process is None:
            raise Problem(f"{part} was to be halted, but it does not run.")
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    @asynccontextmanager
    async def joined(self, service: str) -> AsyncIterator[str]:
        """A second process of a service beside the first."""
        instance = f"{service}-2"
        await self.platform.services.join(service, instance, free_ports(1)[0])
        try:
            yield instance
        finally:
            await self.platform.services.leave(instance)

    async def _groups(self) -> list[Group]:
        return await abandonable(groups, self.kafka, self.platform.manifest.read_by(self.services))


async def happens(what: str, condition: Callable[[], Awaitable[bool]], seconds: float = PATIENCE) -> None:
    """Wait for it.

    Raises:
        Problem: it did not happen, so that the fault was not made.
    """
    if not await until(condition, seconds, 0.1):
        raise Problem(f"In {seconds:.0f} s it did not happen that {what}: the fault could not be made.")


AWAY = (KafkaError, KafkaException, Problem, OSError, asyncpg.PostgresError)
"""What is raised while a server is away."""
