"""Records that could not be applied: rows in the consumer's own schema, with their cause, tried again a few times."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable

import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from sqlalchemy import RowMapping, text

from shared.db import Db, Sessions, cause, is_outage
from shared.events import CATALOG, Event
from shared.kafka import client
from shared.settings import Kafka
from shared.telemetry import within

log = logging.getLogger(__name__)

SPACING = ("10 seconds", "1 minute", "10 minutes", "1 hour")
"""How long after each failed try the next one comes; then it is left to an operator."""

BURY = text(
    'insert into dead_letter (topic, partition, "offset", key, value, headers, type, cause, next_try) values '
    "(:topic, :partition, :offset, :key, :value, cast(:headers as json), :type, :cause, "
    "now() + cast(cast(:wait as text) as interval)) "
    'on conflict (topic, partition, "offset") do nothing'
)
DUE = text("select * from dead_letter where next_try <= now() order by next_try limit 1 for update skip locked")
AGAIN = text(
    "update dead_letter set tries = tries + 1, cause = :cause, "
    "next_try = now() + cast(cast(:wait as text) as interval) where id = :id"
)
DONE = text("delete from dead_letter where id = :id")

PERSONAL = {kind.topic for kind in CATALOG.values() if kind.personal}


class Invalid(Exception):
    """A record that no retry can make readable. Its text carries no value of the record."""


async def bury(db: Db, record: ConsumerRecord, reason: str | BaseException, kind: type[Event] | None = None) -> None:
    """Put a record aside. A reason in words is final; an exception means a bug, which may be mended by then."""
    bug = isinstance(reason, BaseException)
    why = explain(reason, personal=record.topic in PERSONAL) if isinstance(reason, BaseException) else reason
    with within(_traceparent(record)):
        log.error("dead letter %s/%s@%s: %s", record.topic, record.partition, record.offset, why)
    await db.execute(
        BURY,
        {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "key": record.key,
            "value": None if record.topic in PERSONAL else record.value,
            # json, not jsonb, which holds no NUL: whatever bytes a header has, the letter keeps them.
            "headers": orjson.dumps(
                [(n, None if v is None else v.decode("latin-1")) for n, v in record.headers]
            ).decode(),
            "type": kind and kind.__name__,
            "cause": why[:2_000],
            "wait": SPACING[0] if bug else None,
        },
    )


def _traceparent(record: ConsumerRecord) -> str | None:
    sent = dict(record.headers).get("traceparent")
    return sent.decode("latin-1") if sent else None


def explain(error: BaseException, *, personal: bool) -> str:
    """What went wrong and where. Of a personal record not the message, which could quote it."""
    error = cause(error)
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].name}:{frames[-1].lineno}" if frames else ""
    what = "" if personal else f": {error}"
    return f"{type(error).__name__}{where}{what}".replace("\x00", "")


async def retry(sessions: Sessions, kafka: Kafka, apply: Callable[[ConsumerRecord], Awaitable[None]]) -> bool:
    """Try the one letter that has been due longest; another process skips what this one holds.

    Returns:
        Whether there was one.

    Raises:
        Exception: the database or the broker is down; it has cost the letter no try.
    """
    async with sessions() as db:
        row = (await db.execute(DUE)).mappings().one_or_none()
        if row is None:
            return False
        try:
            record = _record(row)
            if row["topic"] in PERSONAL:
                record = await _read_again(kafka, record)
            if record is not None:
                await apply(record)
        except Exception as error:
            if is_outage(error) or isinstance(error, KafkaError):
                raise
            tries, final = row["tries"] + 1, isinstance(error, Invalid)
            why = str(error) if final else explain(error, personal=row["topic"] in PERSONAL)
            wait = SPACING[tries] if tries < len(SPACING) and not final else None
            await db.execute(AGAIN, {"id": row["id"], "cause": why[:2_000], "wait": wait})
        else:
            await db.execute(DONE, {"id": row["id"]})
        await db.commit()
    return True


def _record(row: RowMapping) -> ConsumerRecord:
    return ConsumerRecord(
        topic=row["topic"],
        partition=row["partition"],
        offset=row["offset"],
        timestamp=0,
        timestamp_type=0,
        key=row["key"],
        value=row["value"],
        checksum=None,
        serialized_key_size=-1,
        serialized_value_size=-1,
        headers=[(name, None if value is None else value.encode("latin-1")) for name, value in row["headers"]],
    )


async def _read_again(kafka: Kafka, letter: ConsumerRecord) -> ConsumerRecord | None:
    """A personal record is not copied into the letter, so it is read from its topic; None if it has been erased."""
    place = TopicPartition(letter.topic, letter.partition)
    consumer = AIOKafkaConsumer(**client(kafka), enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        await consumer.start()
        consumer.assign([place])
        first, end = await consumer.beginning_offsets([place]), await consumer.end_offsets([place])
        if not first[place] <= letter.offset < end[place]:
            return None
        consumer.seek(place, letter.offset)
        record = await asyncio.wait_for(consumer.getone(), 10)
    finally:
        await consumer.stop()
    return record if record.offset == letter.offset else None
