"""One engine and one session class a service; a guarded bulk upsert for projections."""

import asyncio
import re
from collections.abc import Awaitable, Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, ClassVar, TypeAlias, cast
from uuid import UUID

import asyncpg
import orjson
from asyncpg import exceptions as pg
from pydantic_core import to_json
from sqlalchemy import JSON, AdaptedConnection, ColumnElement, Table, text
from sqlalchemy import event as hooks
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session as SyncSession
from sqlmodel import SQLModel

from shared.events import Event
from shared.settings import Database


class Db(AsyncSession):
    """A session on the service's own schema: one a request, one a batch of events, one a worker's step."""


Sessions = async_sessionmaker[Db]
Driver: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class Commits:
    """Lets the loops of this process sleep until something was committed here, or a while has passed.

    What another process commits is found by that while: a NOTIFY in every transaction would serialise commits.
    """

    _waiting: ClassVar[set[asyncio.Event]] = set()

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._waiting.add(self._event)

    async def wait(self, seconds: float) -> None:
        """Return at the next commit, at once if there was one since the last call, or after `seconds`."""
        with suppress(TimeoutError):
            # Not wait_for: on Python 3.11 it loses a cancellation that comes together with the event.
            async with asyncio.timeout(seconds):
                await self._event.wait()
        self._event.clear()

    @classmethod
    def announce(cls, _: object = None) -> None:
        """Wake everyone who waits."""
        for event in cls._waiting:
            event.set()


hooks.listen(SyncSession, "after_commit", Commits.announce)
PLACEHOLDER = re.compile(r"\$(\d+)")


def connect(settings: Database, application: str) -> AsyncEngine:
    """Make the engine. Connections are opened when first used."""
    engine = create_async_engine(
        settings.url.replace("postgresql://", "postgresql+asyncpg://", 1),
        pool_size=settings.pool,
        max_overflow=0,
        connect_args={"server_settings": {"application_name": application}},
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
    )
    hooks.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def _refuse_closed(connection: AdaptedConnection, *_: object) -> None:
    """Have the pool open another connection instead of one that has ended while it lay there."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def sessions(engine: AsyncEngine) -> Sessions:
    """Sessions whose objects stay readable after commit and load nothing behind one's back."""
    return async_sessionmaker(engine, class_=Db, expire_on_commit=False)


async def newest_wins(db: Db, table: type[SQLModel], events: Iterable[Event]) -> Sequence[UUID]:
    """Bring the copies of these events' aggregates to their newest version, in one statement.

    The table has the events' fields as columns (those it wants) and `version`.

    Returns:
        The keys of the aggregates that were changed; older and repeated events change nothing.
    """
    newest: dict[UUID, Event] = {}
    for event in events:
        key = getattr(event, event.key)
        if key not in newest or newest[key].version < event.version:
            newest[key] = event
    if not newest:
        return []
    statement, columns = _upsert(table, type(next(iter(newest.values()))).key)
    rows = [{name: getattr(event, name) for name in columns} for event in newest.values()]
    result = await db.execute(text(statement), {"rows": to_json(rows).decode()})
    return result.scalars().all()


async def fetch(db: Db, query: str, *values: Any) -> list[asyncpg.Record]:
    """Read on a hot path, past SQLAlchemy, which takes several times as long as a short query.

    Args:
        query: with asyncpg's placeholders, $1 and so on.
    """
    connection = await (await db.connection()).get_raw_connection()
    found: list[asyncpg.Record] = await cast(Driver, connection.driver_connection).fetch(query, *values)
    return found


def write_last(session: SyncSession, query: str, *values: Any, name: str | None = None) -> None:
    """Have this write done at the end of the transaction, with all others of that kind in one statement.

    A transaction that does nothing else is that one statement; it begins here, so that the writes end with it. They do
    not see each other, but for what a write with a name returns: later ones can select from that name.
    """
    if not session.in_transaction():
        session.begin()
    session.info.setdefault("last writes", []).append((name, query, values))


def write_row_last(session: SyncSession, query: str, *values: Any) -> None:
    """The same for one row of many: a statement can have 32,767 values, and a transaction may write more rows.

    Args:
        session: of the transaction.
        query: takes arrays, one for each value; all rows with the same query are written by it together.
        values: the row's.
    """
    for _, written, columns in session.info.get("last writes", ()):
        if written == query:
            for column, value in zip(columns, values, strict=True):
                column.append(value)
            return
    write_last(session, query, *([value] for value in values))


def run_last(session: SyncSession) -> None:
    """Do what `write_last` left, before the transaction commits."""
    if writes := session.info.pop("last writes", None):
        session.flush()
        query = _together(tuple((name, query) for name, query, _ in writes))
        values = [value for *_, values in writes for value in values]

        def write(driver: Driver) -> Awaitable[list[asyncpg.Record]]:
            return driver.fetch(query, *values)

        cast(AdaptedConnection, session.connection().connection.dbapi_connection).run_async(write)


@lru_cache
def _together(queries: tuple[tuple[str | None, str], ...]) -> str:
    """One statement of several, each with placeholders from $1 on."""
    numbered: list[tuple[str, str]] = []
    before = 0
    for name, query in queries:
        numbered.append((name or f"write_{len(numbered)}", _shifted(query, before)))
        before += len(set(PLACEHOLDER.findall(query)))
    *first, (_, last) = numbered
    named = ", ".join(f"{name} as ({query})" for name, query in first)
    return f"with {named} {last}" if first else last


def _shifted(query: str, by: int) -> str:
    return PLACEHOLDER.sub(lambda found: f"${int(found[1]) + by}", query)


def add_new(db: Db, table: type[SQLModel], event: Event) -> None:
    """Insert a new aggregate's row, from the event that says it, when the transaction ends."""
    query, columns = _insert(table, type(event))
    values = ((getattr(event, name), as_json) for name, as_json in columns.items())
    write_last(db.sync_session, query, *(_json(value) if as_json else value for value, as_json in values))


@lru_cache
def _insert(model: type[SQLModel], kind: type[Event]) -> tuple[str, dict[str, bool]]:
    """The statement, and its columns: whether each holds JSON."""
    table: Table = model.__table__  # type: ignore[attr-defined]
    columns = {each.name: isinstance(each.type, JSON) for each in table.columns if each.name in kind.model_fields}
    values = ", ".join(f"${place}" for place in range(1, len(columns) + 1))
    return f"insert into {table.fullname} ({', '.join(columns)}) values ({values})", columns


def _json(value: object) -> str | None:
    """What the driver takes for a JSON column; nothing is a null of the table, not of JSON."""
    return None if value is None else to_json(value).decode()


@lru_cache
def _upsert(model: type[SQLModel], key: str) -> tuple[str, tuple[str, ...]]:
    table: Table = model.__table__  # type: ignore[attr-defined]
    columns = tuple(column.name for column in table.columns if not column.info.get("own"))
    names = ", ".join(columns)
    sets = ", ".join(f"{name} = excluded.{name}" for name in columns if name != key)
    return (
        # Without its schema: a session with shadows (deploy.replay) writes to them.
        f"insert into {table.name} as held ({names}) "
        f"select {names} from jsonb_populate_recordset(null::{table.name}, cast(:rows as jsonb)) order by {key} "
        f"on conflict ({key}) do update set {sets} where held.version < excluded.version returning {key}"
    ), columns


def shares(column: Any, values: Sequence[str]) -> ColumnElement[bool]:
    """Whether an array column holds one of these values."""
    shared: ColumnElement[bool] = column.overlap(values)
    return shared


OUTAGES = (
    OSError,
    pg.PostgresConnectionError,
    pg.InterfaceError,
    # What asyncpg says at times when a connection ends while it is used.
    pg.InternalClientError,
    PoolTimeout,
    pg.CannotConnectNowError,
    pg.TooManyConnectionsError,
    pg.AdminShutdownError,
    pg.CrashShutdownError,
    pg.DiskFullError,
    pg.IdleInTransactionSessionTimeoutError,
)
CONTENTION = (pg.DeadlockDetectedError, pg.SerializationError, pg.LockNotAvailableError)


def cause(error: BaseException) -> BaseException:
    """The driver's own exception under SQLAlchemy's wrapping."""
    while isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
        while error.__cause__ is not None and not isinstance(error, (*OUTAGES, *CONTENTION)):
            error = error.__cause__
    return error


def is_outage(error: BaseException) -> bool:
    """Whether the database (or the way to it) is down, so that waiting helps and nothing else does."""
    return isinstance(cause(error), OUTAGES)


def is_taken(error: BaseException) -> bool:
    """Whether somebody else has made the same row meanwhile."""
    return isinstance(cause(error), pg.UniqueViolationError)


def is_contention(error: BaseException) -> bool:
    """Whether the same work is likely to pass when simply done again."""
    return isinstance(cause(error), CONTENTION)
