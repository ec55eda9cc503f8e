"""Events in: one FastStream batch subscriber a service, and plain functions over its records.

decode → bury what is invalid → apply the batch in one transaction (inbox, projections, reactions) → if that fails,
the same one by one, and bury the one that fails. See docs/architecture.md for what happens when.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from typing import Any, TypeVar
from uuid import UUID

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.subscriber.usecase import BatchSubscriber
from opentelemetry import trace
from pydantic import ValidationError
from sqlalchemy import text
from sqlmodel import SQLModel

from shared import failpoints
from shared.db import Db, Sessions, is_contention, is_outage
from shared.deadletters import Invalid, bury, retry
from shared.events import CATALOG, Envelope, Event
from shared.kafka import explain, security
from shared.lag import lag
from shared.metrics import count_consumed
from shared.settings import Kafka
from shared.telemetry import failed, start_processing

log = logging.getLogger(__name__)

Projection = Callable[[Any, Db], Awaitable[None]]
Reaction = Callable[[Any, Db], Awaitable[None]]
F = TypeVar("F", bound=Callable[[Any, Db], Awaitable[None]])

SEEN = text(
    "insert into inbox (event_id) select unnest(cast(:ids as uuid[])) on conflict do nothing returning event_id"
)
LONGEST_WAIT = 5.0
"""Seconds between tries while the database is down; far below Kafka's poll time-out of 5 minutes."""


@dataclass
class Handlers:
    """What a service does with events, filled by decorators in its handlers.py."""

    projections: list[tuple[tuple[type[Event], ...], Projection]] = field(default_factory=list)
    reactions: list[tuple[tuple[type[Event], ...], Reaction]] = field(default_factory=list)
    copies: dict[type[SQLModel], tuple[type[Event], ...]] = field(default_factory=dict)
    """The tables that projections keep, and of which events: a replay makes these anew, and no others."""
    asks: type[SQLModel] | None = None
    """The table in which projections ask for work on what they changed, by its id; a replay asks for no other."""

    def project(self, *types: type[Event], keeps: Sequence[type[SQLModel]]) -> Callable[[F], F]:
        """Keep a copy: called with a batch, in order; emits nothing, can be replayed at any time.

        Args:
            types: the events it wants.
            keeps: the tables that hold the copy. Columns whose `info` says so are no event's: `own` ones are left
                by a replay; of these `derived` ones are emptied where it changes a row, as work makes them anew;
                a row whose `lasting` one is true outlives its topic.
        """

        def keep(function: F) -> F:
            self.projections.append((types, function))
            self.copies.update(dict.fromkeys(keeps, types))
            return function

        return keep

    def react(self, *types: type[Event]) -> Callable[[F], F]:
        """Do something once: called with one event, once per event id; writes rows and emits."""

        def keep(function: F) -> F:
            self.reactions.append((types, function))
            return function

        return keep

    @property
    def types(self) -> set[type[Event]]:
        """All event classes that something here wants."""
        return {kind for types, _ in (*self.projections, *self.reactions) for kind in types}

    @property
    def topics(self) -> list[str]:
        """The topics to read."""
        return sorted({kind.topic for kind in self.types})

    async def apply(
        self, events: Sequence[Event], db: Db, spans: Mapping[UUID, trace.Span] | None = None
    ) -> Sequence[Event]:
        """Apply events in order: projections in bulk, then reactions to what the inbox has not seen.

        A reaction runs in its event's span, so that what it emits belongs to the same trace.

        Returns:
            The events that reactions had seen before.
        """
        spans = spans or {}
        for types, project in self.projections:
            if batch := [event for event in events if isinstance(event, types)]:
                await project(batch, db)
        new, seen = await self._sorted_out(events, db)
        for event in new:
            with trace.use_span(spans.get(event.envelope.id, trace.INVALID_SPAN), record_exception=False):
                for types, react in self.reactions:
                    if isinstance(event, types):
                        await react(event, db)
        return seen

    async def _sorted_out(self, events: Sequence[Event], db: Db) -> tuple[list[Event], list[Event]]:
        """Of those that a reaction wants, what is new, and what is not."""
        wanted = tuple(kind for types, _ in self.reactions for kind in types)
        mine = [event for event in events if isinstance(event, wanted)]
        if not mine:
            return [], []
        # Sorted, so that two consumers with the same events in other orders cannot deadlock.
        result = await db.execute(SEEN, {"ids": sorted({event.envelope.id for event in mine})})
        new: set[UUID] = set(result.scalars())
        first: dict[UUID, Event] = {}
        seen: list[Event] = []
        for event in mine:
            event_id = event.envelope.id
            if event_id not in new or event_id in first:
                seen.append(event)
            else:
                first[event_id] = event
        return list(first.values()), seen


def decode(record: ConsumerRecord) -> Event:
    """Read a record as the event it says it is.

    Raises:
        Invalid: with the reason; never with a value of the record, which may be personal.
    """
    try:
        headers = {name: value.decode() for name, value in record.headers}
        kind = CATALOG.get(headers["ce_type"])
        if kind is None:
            raise Invalid("unknown event type; the header ce_type has it")
        envelope = Envelope(
            id=UUID(headers["ce_id"]),
            type=kind.__name__,
            time=datetime.fromisoformat(headers["ce_time"]),
            traceparent=headers.get("traceparent"),
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
        )
        key = (record.key or b"").decode()
    except KeyError as error:
        raise Invalid(f"missing CloudEvents attribute: {error.args[0]}") from None
    except (UnicodeDecodeError, ValueError, AttributeError) as error:
        raise Invalid(f"unreadable header or key: {type(error).__name__}") from None
    event = _body(kind, key, record.value)
    if record.topic not in event.topics():
        raise Invalid(f"{kind.__name__} does not belong on {record.topic}")
    if event.key_text() != key:
        raise Invalid(f"the record's key is not the event's {kind.key}")
    return event.received(envelope)


def _body(kind: type[Event], key: str, value: bytes | None) -> Event:
    try:
        if kind.tombstone:
            if value is not None:
                raise Invalid(f"{kind.__name__} must have no value")
            return kind.model_validate({kind.key: key})
        if value is None:
            raise Invalid(f"{kind.__name__} has no value")
        return kind.model_validate_json(value)
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['type']}" for e in error.errors())
        raise Invalid(f"not a {kind.__name__}: {found:.500}") from None


class Consumer:
    """Reads a service's topics and applies what it reads. The consumer group is the service's name."""

    def __init__(self, service: str, handlers: Handlers, sessions: Sessions, settings: Kafka) -> None:
        self.service = service
        self.handlers = handlers
        self.sessions = sessions
        self.settings = settings
        self.started = False
        self.broker = KafkaBroker(
            settings.servers,
            security=security(settings),
            client_id=f"i2pcc-{service}",
            apply_types=False,
            graceful_timeout=10.0,
            consumer_only=True,
            allow_auto_create_topics=False,
            logger=None,
        )
        self._stopped = False
        self._failures = 0
        self._in_hand: Sequence[ConsumerRecord] = ()
        self._subscriber = self.broker.subscriber(
            *handlers.topics,
            batch=True,
            group_id=service,
            ack_policy=AckPolicy.NACK_ON_ERROR,
            auto_offset_reset="earliest",
            max_records=settings.batch,
            session_timeout_ms=15_000,
            parser=_raw,
            decoder=_records,
            no_reply=True,
        )
        self._subscriber(self.receive)
        self._subscriber.__class__ = _Waiting

    async def run(self) -> None:
        """Read until stopped."""
        while not self._stopped:
            await self.start()
            await asyncio.wait(self._subscriber.tasks)
            if not self._stopped:
                log.error("%s reads no more: it begins again", self.service)
                self.started = False
                with suppress(Exception):  # of what has died already
                    await self.broker.stop()

    async def start(self) -> None:
        """Connect, however long the broker takes to come up; FastStream's own task reads from then on."""
        while not self.started:
            try:
                await self.broker.start()
                self.started = True
            except (KafkaError, OSError) as error:
                log.warning("%s waits for Kafka: %s", self.service, explain(self.settings, error))
                await self.broker.stop()
                await asyncio.sleep(1)

    async def stop(self) -> None:
        """Finish the batch at hand and leave the group."""
        self._stopped = True
        await self.broker.stop()

    async def retry(self, sessions: Sessions) -> bool:
        """Try the dead letter that is due."""
        return await retry(sessions, self.settings, self.apply_one)

    async def receive(self, records: Sequence[ConsumerRecord]) -> None:
        """Apply a batch; returning acknowledges it, raising has it delivered again."""
        self._in_hand = records
        try:
            await self.apply(records)
            failpoints.reached("consumer-committed")
            self._failures = 0
        except Exception as error:
            self._failures += 1
            wait = min(LONGEST_WAIT, 0.05 * 2**self._failures)
            log.warning("%s cannot go on, waits %.1f s: %s", self.service, wait, type(error).__name__)
            await asyncio.sleep(wait)
            raise
        finally:
            self._in_hand = ()

    async def lag(self) -> dict[TopicPartition, int]:
        """Records that are not applied yet, by partition; nothing before the start.

        Raises:
            KafkaError: what it reads cannot be told now.
        """
        reader = self._subscriber.consumer
        return await lag(reader, self._in_hand) if self.started and reader else {}

    async def apply(self, records: Iterable[ConsumerRecord]) -> None:
        """Apply records in one transaction, or one by one if that fails; bury what cannot be applied.

        Raises:
            Exception: the database is down; nothing was buried, all of it is to be delivered again.
        """
        good: list[tuple[ConsumerRecord, Event]] = []
        bad: list[tuple[ConsumerRecord, Invalid]] = []
        for record in records:
            try:
                event = decode(record)
            except Invalid as error:
                bad.append((record, error))
            else:
                if type(event) in self.handlers.types:
                    good.append((record, event))
        try:
            await self._together([event for _, event in good], bad)
        except Exception as error:
            if is_outage(error):
                raise
            await self._together([], bad)
            for record, event in good:
                await self._alone(record, event)

    async def apply_one(self, record: ConsumerRecord) -> None:
        """Apply one record that was put aside before.

        Raises:
            Exception: it failed again.
        """
        await self._together([decode(record)])

    async def _together(self, events: Sequence[Event], bad: Iterable[tuple[ConsumerRecord, Invalid]] = ()) -> None:
        with _processing(events, self.service) as spans:
            async with self.sessions() as db, db.begin():
                for record, error in bad:
                    await bury(db, record, str(error))
                seen = await self.handlers.apply(events, db, spans)
        count_consumed(events, seen)

    async def _alone(self, record: ConsumerRecord, event: Event) -> None:
        """Apply one event; a bug buries it with its cause, to be tried again, and its key's later events go on."""
        for attempt in range(5):
            try:
                return await self._together([event])
            except Exception as error:
                if is_outage(error):
                    raise
                if not is_contention(error) or attempt == 4:
                    async with self.sessions() as db, db.begin():
                        return await bury(db, record, error, kind=type(event))
            await asyncio.sleep(0.02 * 2**attempt)
        return None


class _Waiting(BatchSubscriber):
    """Waits in Kafka's own fetch: FastStream's polls, and sleeps after an empty poll, at 15 % of a core for nothing."""

    __slots__ = ()

    async def get_msg(self, consumer: AIOKafkaConsumer) -> tuple[ConsumerRecord, ...]:
        """What has come, at once when something comes; nothing now and then, to notice that we stop.

        aiokafka keeps an error for each partition that it may not read, and raises one a call: they are taken out in
        one go, so that a right that is back counts at once. FastStream would take one in five seconds, in silence.

        Raises:
            ConsumerStoppedError: aiokafka's own task has died of what it did not expect; it says so with a KafkaError
                of no kind, and nothing would come any more. FastStream's task ends then.
        """
        for _ in range(len(consumer.assignment()) + 1):
            try:
                found = await consumer.getmany(timeout_ms=500, max_records=self.max_records)
                return tuple(chain(*found.values()))
            except KafkaError as error:
                if type(error) is KafkaError:
                    raise ConsumerStoppedError from error
                refusal = error
        log.warning("group %s cannot read: %s", self.group_id, refusal)
        await asyncio.sleep(1)
        return ()


@contextmanager
def _processing(events: Sequence[Event], service: str) -> Iterator[dict[UUID, trace.Span]]:
    """A span per event, for as long as their transaction takes. Of several it is not known which one made it fail."""
    spans = {event.envelope.id: start_processing(event, service) for event in events}
    try:
        yield spans
    except Exception as error:
        if len(events) == 1:
            failed(spans[events[0].envelope.id], error)
        raise
    finally:
        for span in spans.values():
            span.end()


async def _raw(message: Any, original: Callable[[Any], Awaitable[Any]]) -> Any:
    """Show FastStream's parser one record without headers: it would stumble over one that is not UTF-8."""
    parsed = await original((replace(message[0], headers=()),))
    parsed.raw_message = message
    return parsed


async def _records(message: Any) -> Any:
    return message.raw_message
