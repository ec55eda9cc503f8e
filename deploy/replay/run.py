"""A service's copies are made anew in shadows, while it goes on, and are brought over in one short transaction.

That holds back who writes the copies, reads the topics to their very end and makes the tables what the shadows are. So
nobody ever sees half of them, and a command that is killed has changed nothing.
"""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field

from aiokafka import ConsumerRecord
from sqlalchemy import MetaData, Table, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from deploy.problems import Problem
from deploy.reading import Reader
from deploy.replay import shadows
from deploy.replay.shadows import Difference
from shared.audit import record
from shared.bus import Handlers, decode
from shared.db import Db, Sessions, is_contention, is_outage
from shared.deadletters import PERSONAL, Invalid, explain
from shared.events import Event
from shared.vocabulary import Role

ALONE = text("select pg_try_advisory_lock(hashtext(current_schema()), 2)")
"""The service's third lock; its relay and its sealer have the others."""
BURIED = text(
    'select exists (select from dead_letter where topic = :topic and partition = :partition and "offset" = :offset)'
)
PATIENCE = 60.0
"""Seconds to find a moment in which nobody writes the copies."""
PROMPT = text("set local lock_timeout = '2s'")


@dataclass
class Report:
    """What a replay found and did."""

    tables: Sequence[Difference] = ()
    records: int = 0
    asked: int = 0
    """Rows about which work is done again, as they were different."""
    skipped: int = 0
    """Records that are dead letters."""


@dataclass
class Replay:
    """One service's replay, on a connection of its own."""

    service: str
    handlers: Handlers
    metadata: MetaData
    sessions: Sessions
    """All of the one connection, as the schema's owner."""
    partial: frozenset[str] = frozenset()
    """Topics that have lost records: rows that only these told of stay as they are."""
    report: Report = field(default_factory=Report)

    async def run(self, reader: Reader, subject: str, *, dry: bool) -> Report:
        """Do all of it.

        Raises:
            Problem: another one is at it, a record cannot be applied, or the copies are written without end.
        """
        async with self.sessions() as db, db.begin():
            if not await db.scalar(ALONE):
                raise Problem(f"{self.service} is being replayed already.", "Wait until that has ended.")
            await shadows.cast(db, self.service, self.metadata)
            await shadows.keep_lasting(db, self.service, self._tables())
        async for records in reader.to_end():
            async with self.sessions() as db, db.begin():
                await self._apply(db, records)
        await self._find_a_moment(reader, subject, dry=dry)
        return self.report

    async def _find_a_moment(self, reader: Reader, subject: str, *, dry: bool) -> None:
        began, here = time.monotonic(), await reader.place()
        counted = (self.report.records, self.report.skipped)
        while True:
            try:
                async with self.sessions() as db:
                    await self._bring_over(db, reader, subject)
                    await (db.rollback() if dry else db.commit())
                return
            except DBAPIError as error:
                if not is_contention(error):
                    raise
                if time.monotonic() - began > PATIENCE:
                    hint = "Nothing was changed. See who holds them: select * from pg_stat_activity"
                    raise Problem(f"{self.service}'s copies are in use without a break.", hint) from error
            reader.back(here)
            self.report.records, self.report.skipped = counted
            await asyncio.sleep(0.2)

    async def _bring_over(self, db: Db, reader: Reader, subject: str) -> None:
        """From here on nobody else writes the copies: what is on the topics now is all that they can hold."""
        asks = [_table(self.handlers.asks)] if self.handlers.asks else []
        names = ", ".join(f"{self.service}.{table.name}" for table in (*self._tables(), *asks))
        await db.execute(PROMPT)
        await db.execute(text(f"lock table {names} in share row exclusive mode"))
        async for records in reader.to_end():
            await self._apply(db, records)
        await self._check_all_is_declared(db, asks)
        self.report.tables = [
            await shadows.settle(db, self.service, _table(model), remove=not self._is_partial(types))
            for model, types in self.handlers.copies.items()
        ]
        for table in asks:
            self.report.asked = await shadows.ask(db, self.service, table, self.report.tables)
        record(db, subject, "replay", [("service", self.service)], role=Role.OPERATOR)

    async def _apply(self, db: Db, records: Sequence[ConsumerRecord]) -> None:
        """All of a batch together, or one by one to find the one that cannot be."""
        self.report.records += len(records)
        if not await self._applied(db, records):
            for each in records:
                error = await self._error(db, self._project(db, [each]))
                if error and not await self._is_buried(db, each):
                    why = explain(error, personal=each.topic in PERSONAL)
                    raise Problem(
                        f"{each.topic}/{each.partition}@{each.offset} cannot be applied: {why}",
                        "Nothing was changed. Mend the projection, and say it again.",
                    ) from error
                self.report.skipped += bool(error)

    async def _applied(self, db: Db, records: Sequence[ConsumerRecord]) -> bool:
        return await self._error(db, self._project(db, records)) is None

    async def _error(self, db: Db, work: Awaitable[None]) -> Exception | None:
        """What kept this from being done, and was taken back."""
        try:
            async with db.begin_nested():
                await work
        except Exception as error:
            if is_outage(error) or is_contention(error):
                raise
            return error
        return None

    async def _project(self, db: Db, records: Sequence[ConsumerRecord]) -> None:
        events = [event for each in records if (event := _read(each))]
        for types, project in self.handlers.projections:
            if batch := [event for event in events if isinstance(event, types)]:
                await project(batch, db)

    async def _is_buried(self, db: Db, each: ConsumerRecord) -> bool:
        place = {"topic": each.topic, "partition": each.partition, "offset": each.offset}
        return bool(await db.scalar(BURIED, place))

    async def _check_all_is_declared(self, db: Db, asks: Sequence[Table]) -> None:
        declared = {table.name for table in (*self._tables(), *asks)}
        others = [table for table in self.metadata.sorted_tables if table.name not in declared]
        if found := await shadows.filled(db, others):
            hint = "Nothing was changed. Name it in `keeps` of the projection that writes it."
            raise Problem(f"A projection of {self.service} writes {', '.join(found)}, and does not say so.", hint)

    def _is_partial(self, types: Sequence[type[Event]]) -> bool:
        return any(kind.topic in self.partial for kind in types)

    def _tables(self) -> list[Table]:
        return [_table(model) for model in self.handlers.copies]


def _read(each: ConsumerRecord) -> Event | None:
    """The event; none, if it is a dead letter for good."""
    try:
        return decode(each)
    except Invalid:
        return None


def _table(model: type[SQLModel]) -> Table:
    table: Table = model.__table__  # type: ignore[attr-defined]
    return table
