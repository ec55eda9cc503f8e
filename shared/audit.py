"""The audit log: who did what to which objects, when, by which request, sealed into a chain of hashes.

A row joins the transaction of what it tells of, and so does its place in `audit_unsealed`, the queue of the sealer. So
each row waits or is sealed, never both and never neither: what is otherwise was tampered with, and `verify` finds it.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import asyncpg
import orjson
from sqlalchemy import text

from shared.db import Db, Driver, Sessions, fetch, write_last
from shared.outbox import emitted
from shared.telemetry import current_trace_id

PACE = 1.0
"""Seconds between two looks of the sealer: by the clock, so that commands do not pay for it one by one."""
BATCH = 1_000
"""Most rows sealed at once: some 10 ms of the process's time."""
GENESIS = bytes(32)
"""The hash before the first row."""
COLUMNS = ("id", "at", "subject", "role", "action", "objects", "request", "trace")
"""What a hash covers."""
NAMED = 20
"""Most places of one kind of finding that are named."""

RECORD = (
    "insert into audit (subject, role, action, objects, request, trace) "
    "values ($1, $2, $3, $4, $5, $6) returning id as audit_id"
)
QUEUE = "insert into audit_unsealed (audit_id) select audit_id from audited"

LOCK = text("select pg_try_advisory_xact_lock(hashtext(current_schema()), 1)")
"""The service's second lock; its relay has the first."""
HEAD = "select position, hash from audit_seal order by position desc limit 1"
ROW = "id, to_json(at at time zone 'UTC') #>> '{}' as at, subject, role, action, objects::text, request, trace"
WAITING = f"select {ROW} from audit_unsealed join audit on id = audit_id order by audit_id limit $1"
SEAL = text(
    "with sealed as (delete from audit_unsealed where audit_id = any(cast(:ids as bigint[]))) "
    "insert into audit_seal (position, audit_id, hash) "
    "select * from unnest(cast(:positions as bigint[]), cast(:ids as bigint[]), cast(:hashes as bytea[]))"
)

CHAIN = f"select position, audit_id, hash, {ROW} from audit_seal left join audit on id = audit_id order by position"
TAIL = """
    select audit_id, id, at, at < now() - interval '1 minute' as late
    from audit_unsealed left join audit on id = audit_id order by audit_id
"""
UNQUEUED = """
    select id from audit where not exists (select from audit_seal where audit_id = id)
    and not exists (select from audit_unsealed where audit_id = id)
"""
RIGHTS = """
    select right_ || ' on ' || name from unnest(array['audit', 'audit_seal']) name,
        unnest(array['UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) right_
    where has_table_privilege(name, right_) or right_ = 'UPDATE' and has_any_column_privilege(name, right_)
"""


def record(
    db: Db,
    subject: str,
    action: str,
    objects: Iterable[tuple[str, str]],
    *,
    role: str | None = None,
    request: str | None = None,
) -> None:
    """Note what this transaction does, once a transaction; the note is committed with it or not at all.

    Args:
        subject: who does it: the token's `sub`, or a service's name.
        action: a command's route, or a service's own word for what it does.
        objects: what it is done to, each a type and an id. Ids are all that may be told of a person.
        role: the caller's.
        request: the command's Idempotency-Key, or what else would be the same if it were repeated.
    """
    named = orjson.dumps([{"type": kind, "key": key} for kind, key in objects]).decode()
    values = (subject, role, action, named, request, current_trace_id())
    write_last(db.sync_session, RECORD, *values, name="audited")
    write_last(db.sync_session, QUEUE)


def about(db: Db, kind: str, key: object) -> None:
    """Have the note of this request's command name what it is about, where no event does."""
    db.info.setdefault("about", []).append((kind, str(key)))


def objects(db: Db) -> list[tuple[str, str]]:
    """What this transaction is about, each once: what it has said, and what it was told to name."""
    return list(dict.fromkeys([*emitted(db), *db.info.get("about", [])]))


def chained(before: bytes, row: asyncpg.Record) -> bytes:
    """A row's hash: SHA-256 of the hash before (32 bytes) and the row's canonical bytes."""
    return hashlib.sha256(before + canonical(row)).digest()


def canonical(row: asyncpg.Record) -> bytes:
    """A row as JSON in UTF-8: all COLUMNS, keys sorted, no spaces, null where empty.

    `at` is a text, in UTC, as PostgreSQL's to_json writes it; `objects` is the very text that is stored. So whatever
    someone has put there can be hashed.
    """
    return orjson.dumps({name: row[name] for name in COLUMNS}, option=orjson.OPT_SORT_KEYS)


async def seal(sessions: Sessions) -> bool:
    """Chain a batch of what waits, unless another process of the service is doing it.

    Returns:
        Whether there may be more.
    """
    async with sessions() as db:
        if not await db.scalar(LOCK):
            return False
        rows = await fetch(db, WAITING, BATCH)
        if not rows:
            return False
        head = await fetch(db, HEAD)
        position, last = head[0] if head else (0, GENESIS)
        hashes = []
        for row in rows:
            hashes.append(last := chained(last, row))
        positions = list(range(position + 1, position + 1 + len(rows)))
        await db.execute(SEAL, {"positions": positions, "ids": [row["id"] for row in rows], "hashes": hashes})
        await db.commit()
    return len(rows) == BATCH


class Wrong(StrEnum):
    """What must not be, and of which rows or positions it is told."""

    CHANGED = "rows that are not what was sealed"
    MISSING = "rows that are gone"
    UNQUEUED = "rows that neither are sealed nor wait for it"
    BROKEN = "positions of the chain before which others are gone"
    LATE = "rows that have waited for a minute and longer"
    CUT = "positions that were noted and are not in the chain as they were"
    RIGHTS = "rights to change what is append-only, held by the service's role"


@dataclass
class Found:
    """One kind of finding: how many, and the first few."""

    count: int = 0
    first: list[int | str] = field(default_factory=list)

    def add(self, place: int | str) -> None:
        """One more."""
        self.count += 1
        if self.count <= NAMED:
            self.first.append(place)


@dataclass(frozen=True)
class Head:
    """A position of a chain, and its hash in hexadecimal: with it everything up to there is fixed."""

    position: int
    hash: str


@dataclass
class Report:
    """One service's audit log, as it was at one moment."""

    sealed: int = 0
    head: Head | None = None
    waiting: int = 0
    oldest: datetime | None = None
    """Of the rows that wait."""
    wrong: dict[Wrong, Found] = field(default_factory=dict)

    def add(self, kind: Wrong, place: int | str) -> None:
        """Something is wrong there."""
        self.wrong.setdefault(kind, Found()).add(place)


async def verify(connection: Driver, noted: Head | None = None) -> Report:
    """Walk the chain and look at every row, in one snapshot and in little memory however long it is.

    Args:
        connection: of the service's role.
        noted: a head that was noted earlier, elsewhere: who may change everything could have cut the chain short.
    """
    report = Report()
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute("set local statement_timeout = 0")
        await _walk(connection, report, noted)
        await _look_at_tail(connection, report)
        async for row in connection.cursor(UNQUEUED, prefetch=BATCH):
            report.add(Wrong.UNQUEUED, row["id"])
        for (held,) in await connection.fetch(RIGHTS):
            report.add(Wrong.RIGHTS, held)
    return report


async def _walk(connection: Driver, report: Report, noted: Head | None) -> None:
    """Compare each hash with the one before it and its row; where one before is gone, that cannot be told."""
    position, last, found = 0, GENESIS, False
    async for row in connection.cursor(CHAIN, prefetch=BATCH):
        whole = row["position"] == position + 1
        if not whole:
            report.add(Wrong.BROKEN, row["position"])
        if row["id"] is None:
            report.add(Wrong.MISSING, row["audit_id"])
        elif whole and chained(last, row) != row["hash"]:
            report.add(Wrong.CHANGED, row["audit_id"])
        position, last = row["position"], row["hash"]
        found = found or noted == Head(position, last.hex())
        report.sealed += 1
    if report.sealed:
        report.head = Head(position, last.hex())
    if noted and not found:
        report.add(Wrong.CUT, noted.position)


async def _look_at_tail(connection: Driver, report: Report) -> None:
    async for row in connection.cursor(TAIL, prefetch=BATCH):
        if row["id"] is None:
            report.add(Wrong.MISSING, row["audit_id"])
            continue
        report.waiting += 1
        report.oldest = min(report.oldest or row["at"], row["at"])
        if row["late"]:
            report.add(Wrong.LATE, row["audit_id"])
