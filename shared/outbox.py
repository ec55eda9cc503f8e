"""The outbox: events are rows of the transaction that caused them, and one relay a service publishes them in order.

Why a table and not a send: a send and a commit cannot be made one, a row and a commit can. It is at-least-once;
readers drop what they have seen (see bus.py). The reasons behind the details are in docs/adr/0002-outbox.md.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
from opentelemetry import trace
from sqlalchemy import event as hooks
from sqlalchemy.orm import Session, SessionTransaction
from sqlmodel import SQLModel

from shared import failpoints
from shared.db import Commits, Db, run_last, write_last
from shared.events import Event
from shared.kafka import client, explain
from shared.metrics import count_published
from shared.settings import Kafka
from shared.telemetry import business_ids, current_traceparent, failed, start_sending, traceparent_of, within

log = logging.getLogger(__name__)

E = TypeVar("E", bound=Event)

LARGEST = 900_000
"""Bytes of an event's value: below the broker's 1 MiB, so that no record is refused after its commit."""
CHUNK = 5_000
POLL = 0.05
PACE = 0.01
"""Seconds from one round to the next while commits keep coming: a round for each would cost more than they do."""
HEARTBEAT = 1.0
TAKEOVER = "3s"
"""A holder that says nothing for so long loses its connection, and with it the lock."""
UNPUBLISHABLE = (
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

INSERT = (
    "insert into outbox (event_id, type, topic, key, value, traceparent, not_before) "
    "select event_id, type, topic, key, value, traceparent, now() + wait * interval '1 second' from unnest("
    "$1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::text[], $7::float[]) "
    "with ordinality as rows (event_id, type, topic, key, value, traceparent, wait, place) order by place"
)
READ = """
    select id, event_id, type, topic, key, value, traceparent, created_at from outbox o
    where (o.not_before is null or o.not_before <= now())
    and not exists (select from outbox p
                      where p.parked_until > now() and p.topic = o.topic and p.key = o.key)
    order by id limit $1
"""

LOCK = "select pg_try_advisory_lock(hashtext($1), 0)"
PARKED = "update outbox set parked_until = now() + interval '30s', error = $2 where id = $1"


def emit(db: Db, *events: Event, wait: float | None = None) -> None:
    """Publish these events if and when this transaction commits.

    Lock or version the aggregate first: that is what keeps one key's events in order.

    Args:
        events: in the order in which they are to be read.
        wait: seconds until they are published; later events of the same keys do not wait for them.

    Raises:
        ValueError: an event is larger than LARGEST; nothing of it is written.
    """
    pending = _pending(db.sync_session)
    span, traceparent = trace.get_current_span(), current_traceparent()
    for event in events:
        if span.is_recording():
            span.set_attributes(business_ids(event))
        value = _value(event)
        event_id, (topic, *copies) = uuid4(), event.topics()
        pending.append((event_id, type(event).__name__, topic, event.key_text(), value, traceparent, wait))
        for copy in copies:
            told = event.as_copied()
            value = value if told is event else _value(told)
            pending.append((event_id, type(event).__name__, copy, event.key_text(), value, traceparent, wait))


def _value(event: Event) -> bytes | None:
    if event.tombstone:
        return None
    value = event.model_dump_json().encode()
    if len(value) > LARGEST:
        raise ValueError(f"{type(event).__name__} has {len(value)} bytes; at most {LARGEST} can be published")
    return value


def said(db: Db, kind: type[E], row: SQLModel) -> E:
    """Emit what a row has become; the event is also the command's answer."""
    event = kind.model_validate(row.model_dump(warnings=False))
    emit(db, event)
    return event


def emitted(db: Db) -> list[tuple[str, str]]:
    """What this transaction has said so far: type and key of each event, once however many topics it goes to."""
    return list(dict.fromkeys((kind, key) for _, kind, _, key, *_ in _pending(db.sync_session)))


def _pending(session: Session) -> list[tuple[Any, ...]]:
    """The rows that this transaction will write; it begins here, so that they end with it."""
    if not session.in_transaction():
        session.begin()
    rows: list[tuple[Any, ...]] = session.info.setdefault("outbox", [])
    return rows


@hooks.listens_for(Session, "before_commit")
def _write(session: Session) -> None:
    if session.in_nested_transaction():
        return
    if rows := session.info.pop("outbox", None):
        write_last(session, INSERT, *map(list, zip(*rows, strict=True)))
    run_last(session)


@hooks.listens_for(Session, "after_transaction_create")
def _mark(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        session.info.setdefault("savepoints", {})[transaction] = len(_pending(session))


@hooks.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, transaction: SessionTransaction) -> None:
    """A savepoint takes back what was emitted since; the transaction takes back everything."""
    if not transaction.nested:
        session.info.pop("last writes", None)
    kept = session.info.get("savepoints", {}).pop(transaction, 0)
    del session.info.get("outbox", [])[kept:]


class Relay:
    """Publishes a service's outbox. Every process of the service runs one; a lock in the database lets one work."""

    def __init__(self, service: str, url: str, kafka: Kafka) -> None:
        self.service = service
        self.url = url
        self.kafka = kafka
        self.owner = False
        self._commits = Commits()

    async def run(self) -> None:
        """Own the outbox or stand by for it, for ever. Whatever fails is begun again with new connections."""
        while True:
            try:
                await self._work()
            except Exception as error:
                log.warning("relay of %s begins again: %s", self.service, explain(self.kafka, error))
            self.owner = False
            await asyncio.sleep(0.5)

    async def _work(self) -> None:
        connection = await asyncpg.connect(
            self.url,
            server_settings={"application_name": f"{self.service}-relay", "idle_session_timeout": TAKEOVER},
        )
        try:
            while not await connection.fetchval(LOCK, self.service):
                await self._commits.wait(HEARTBEAT)
            async with _producing(self.kafka) as producer:
                self.owner = True
                while True:
                    next_round = time.monotonic() + PACE
                    if await self._drain(connection, producer) < CHUNK:
                        await self._commits.wait(POLL)
                        await asyncio.sleep(next_round - time.monotonic())
        finally:
            connection.terminate()

    async def _drain(self, connection: asyncpg.Connection, producer: AIOKafkaProducer) -> int:
        rows = await connection.fetch(READ, CHUNK)
        if not rows:
            return 0
        errors = await self._heartbeat(connection, self._publish(producer, rows))
        failpoints.reached("relay-published")
        acked = [row for row in rows if row["id"] not in errors] if errors else rows
        await connection.execute("delete from outbox where id = any($1::bigint[])", [row["id"] for row in acked])
        count_published(acked)
        await self._park(connection, rows, errors)
        return len(rows)

    async def _publish(self, producer: AIOKafkaProducer, rows: Sequence[asyncpg.Record]) -> dict[int, BaseException]:
        """Send all rows in order, await all answers; what could not be sent holds back its key's later rows."""
        errors: dict[int, BaseException] = {}
        blocked: dict[tuple[str, str], BaseException] = {}
        sent: dict[int, asyncio.Future[Any]] = {}
        for row in rows:
            place = (row["topic"], row["key"])
            if place not in blocked:
                try:
                    sent[row["id"]] = await self._send(producer, row)
                    continue
                except KafkaError as error:
                    blocked[place] = error
            errors[row["id"]] = blocked[place]
        for row_id, result in zip(sent, await asyncio.gather(*sent.values(), return_exceptions=True), strict=True):
            if isinstance(result, BaseException):
                errors[row_id] = result
        return errors

    async def _send(self, producer: AIOKafkaProducer, row: asyncpg.Record) -> "asyncio.Future[Any]":
        span = start_sending(row)
        traceparent = traceparent_of(span) if span else row["traceparent"]
        sending: asyncio.Future[Any] = await producer.send(
            row["topic"], row["value"], row["key"].encode(), headers=self._headers(row, traceparent)
        )
        if span:
            sending.add_done_callback(partial(_end, span))
        return sending

    def _headers(self, row: asyncpg.Record, traceparent: str | None) -> list[tuple[str, bytes]]:
        headers = [
            ("ce_specversion", b"1.0"),
            ("ce_id", str(row["event_id"]).encode()),
            ("ce_source", f"/i2pcc/{self.service}".encode()),
            ("ce_type", row["type"].encode()),
            ("ce_time", row["created_at"].isoformat().encode()),
            ("content-type", b"application/json"),
        ]
        return [*headers, ("traceparent", traceparent.encode())] if traceparent else headers

    async def _heartbeat(
        self, connection: asyncpg.Connection, work: Coroutine[Any, Any, dict[int, BaseException]]
    ) -> dict[int, BaseException]:
        """Wait for the broker without falling silent towards the database, which would cost us the lock."""
        task = asyncio.ensure_future(work)
        try:
            while not (await asyncio.wait({task}, timeout=HEARTBEAT))[0]:
                await connection.execute("select 1")
            return task.result()
        finally:
            task.cancel()

    async def _park(
        self,
        connection: asyncpg.Connection,
        rows: Sequence[asyncpg.Record],
        errors: Mapping[int, BaseException],
    ) -> None:
        """Set aside what the broker will not take as it is; then begin again, as the producer may be spoilt."""
        for row in rows:
            if isinstance(error := errors.get(row["id"]), UNPUBLISHABLE):
                with within(row["traceparent"]):
                    log.error("%s %s cannot be published: %s", row["type"], row["event_id"], type(error).__name__)
                await connection.execute(PARKED, row["id"], type(error).__name__)
        if errors:
            raise next(iter(errors.values()))


def _end(span: trace.Span, sending: "asyncio.Future[Any]") -> None:
    if error := None if sending.cancelled() else sending.exception():
        failed(span, error)
    span.end()


@asynccontextmanager
async def _producing(kafka: Kafka) -> AsyncIterator[AIOKafkaProducer]:
    """A producer that is closed in the end also if it could not start."""
    producer = AIOKafkaProducer(
        **client(kafka),
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        max_batch_size=262_144,
        max_request_size=1_048_576,
        request_timeout_ms=10_000,
    )
    try:
        await producer.start()
        yield producer
    finally:
        await producer.stop()
