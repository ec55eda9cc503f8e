"""One look at the platform: its parts, and of each service what waits and what goes through."""

import asyncio
from dataclasses import dataclass, field

import httpx

from deploy.embedded.platform import Platform
from deploy.manifest import ADMIN
from deploy.problems import Problem
from deploy.settings import SERVICES
from deploy.status.groups import Group, groups
from deploy.status.scrapes import Rates, Scrape, rates, scrape
from deploy.status.tables import Waiting, waiting
from deploy.waiting import abandonable

PATIENCE = 5.0
"""Seconds that Kafka gets to tell about all groups."""


@dataclass(frozen=True)
class Part:
    """A server or a service; a process that is not there has neither id nor memory."""

    name: str
    port: int
    pid: int | None
    memory_mb: int | None
    ready: bool


@dataclass(frozen=True)
class Status:
    """What was seen; what could not be read is None, or not in the list."""

    parts: list[Part]
    rates: dict[str, Rates | None]
    waiting: dict[str, Waiting | None]
    groups: list[Group]
    missing: list[str] = field(default_factory=list)
    """What could not be read, and why, in sentences."""

    @property
    def ready(self) -> bool:
        """Whether every part does its work."""
        return all(part.ready for part in self.parts)


class Lookout:
    """Looks again and again: what goes through is told between one look and the next."""

    def __init__(self, platform: Platform, http: httpx.AsyncClient) -> None:
        self._platform, self._http = platform, http
        self._before: dict[str, Scrape | None] = {}

    async def begin(self) -> bool:
        """Note what was counted so far; whether any service tells it."""
        self._before = await self._scrapes()
        return any(self._before.values())

    async def look(self) -> Status:
        """See how everything is now."""
        parts, scrapes = await asyncio.gather(self._parts(), self._scrapes())
        up = {part.name for part in parts if part.ready}
        missing: list[str] = []
        tables, read = await asyncio.gather(self._tables("postgres" in up), self._groups("kafka" in up, missing))
        if "postgres" in up and None in tables.values():
            missing.append("PostgreSQL did not answer in time: what waits in the tables is not known.")
        seen = {name: rates(self._before.get(name), scrapes[name]) for name in SERVICES}
        self._before = scrapes
        return Status(parts, seen, tables, read, missing)

    async def _parts(self) -> list[Part]:
        return list(await asyncio.gather(*map(self._part, self._platform.parts)))

    async def _part(self, name: str) -> Part:
        process, port = self._platform.process(name), self._platform.settings.port(name)
        if process is None:
            return Part(name, port, None, None, ready=False)
        return Part(name, port, process.pid, self._platform.memory(name), await self._platform.is_ready(name))

    async def _scrapes(self) -> dict[str, Scrape | None]:
        running = [name for name in SERVICES if self._platform.process(name)]
        found = await asyncio.gather(*(scrape(self._http, self._platform.urls[name]) for name in running))
        return dict.fromkeys(SERVICES) | dict(zip(running, found, strict=True))

    async def _tables(self, up: bool) -> dict[str, Waiting | None]:
        if not up:
            return dict.fromkeys(SERVICES)
        roles = [self._platform.manifest.services[name].role for name in SERVICES]
        found = await asyncio.gather(*(waiting(self._platform.database_url(role)) for role in roles))
        return dict(zip(SERVICES, found, strict=True))

    async def _groups(self, up: bool, missing: list[str]) -> list[Group]:
        if not up:
            return []
        try:
            async with asyncio.timeout(PATIENCE):
                return await abandonable(groups, self._platform.kafka(ADMIN), self._platform.manifest.read_by(SERVICES))
        except (Problem, TimeoutError):
            missing.append("Kafka did not tell in time how far its readers are.")
            return []
