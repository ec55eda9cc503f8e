"""The outbox publishes what was committed, in order, whatever happens to those who publish."""

import asyncio
import random
import signal
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka import ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from opentelemetry import trace
from sqlalchemy import text

from deploy.embedded.processes import Processes
from deploy.manifest import Topic
from deploy.waiting import beside, until
from shared.events import Event
from shared.kafka import client
from shared.outbox import CHUNK, LARGEST, POLL, Relay, emit, said
from shared.telemetry import context
from tests.shared.child import program
from tests.shared.running import becomes, change, published, read, rows, say, value
from tests.shared.trial import Note, NoteBurnt, NoteFacts, NoteTaken, Trial, note
from tests.topics import make_topics

TRACE = "0af7651916cd43dd8448eb211c80319c"
OWNERS = (
    "select count(*) from pg_locks where locktype = 'advisory' and granted and database = "
    "(select oid from pg_database where datname = current_database())"
)
TIMEOUT = 3.0
"""Seconds: see shared.outbox.TAKEOVER."""
MARGIN = 10.0
"""Seconds for a heartbeat, a connection to each server, and a slow machine."""
DISCONNECT = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = :name"


class NoteElsewhere(NoteFacts, abstract=True):
    """A note on a topic with troubles."""


def versions(records: Iterable[ConsumerRecord]) -> dict[UUID, list[int]]:
    """The versions of each note in the order of their arrival, repeats of an event dropped."""
    events: dict[bytes, bytes] = {}
    for record in records:
        # The first counts: a woken zombie repeats old ones after newer ones, and readers drop those.
        events.setdefault(dict(record.headers)["ce_id"], record.value)
    found: dict[UUID, list[int]] = defaultdict(list)
    for body in events.values():
        event = NoteTaken.model_validate_json(body)
        found[event.note_id].append(event.version)
    return dict(found)


async def new_notes(trial: Trial, count: int) -> list[UUID]:
    """Notes that many will write to."""
    ids = [uuid4() for _ in range(count)]
    for note_id in ids:
        await change(trial, "insert into note values (:id, 0, '')", id=note_id)
    return ids


async def write(trial: Trial, ids: Sequence[UUID], times: int) -> None:
    """Change one note after the other, each in a transaction that locks it first."""
    for _ in range(times):
        async with trial.sessions() as db, db.begin():
            held = await db.get_one(Note, random.choice(ids), with_for_update=True)
            held.version += 1
            said(db, NoteTaken, held)


async def complete(trial: Trial) -> dict[UUID, list[int]]:
    """All versions that the notes have had, in order."""
    return {row["note_id"]: list(range(1, row["version"] + 1)) for row in await rows(trial, "select * from note")}


async def test_an_event_of_a_transaction_that_rolls_back_is_never_published(trial: Trial) -> None:
    kept = note()
    async with trial.sessions() as db:
        emit(db, note())
        await db.rollback()
        emit(db, kept)
        await db.commit()
    async with beside(trial.relay().run()):
        assert set(versions(await published(trial))) == {kept.note_id}


async def test_a_savepoint_takes_back_what_was_emitted_since_and_nothing_else(trial: Trial) -> None:
    before, after = note(), note()
    async with trial.sessions() as db, db.begin():
        emit(db, before)
        savepoint = await db.begin_nested()
        emit(db, note())
        async with db.begin_nested():
            emit(db, note())
        await savepoint.rollback()
        async with db.begin_nested():
            emit(db, after)
    written = await rows(trial, "select key from outbox order by id")
    assert [row["key"] for row in written] == [str(before.note_id), str(after.note_id)]


async def test_events_of_one_key_arrive_in_the_order_of_their_commits(trial: Trial) -> None:
    ids = await new_notes(trial, 4)
    async with beside(trial.relay().run()):
        await asyncio.gather(*(write(trial, ids, 40) for _ in range(8)))
        assert versions(await published(trial)) == await complete(trial)


async def test_a_row_that_commits_after_a_later_one_is_published_all_the_same(trial: Trial) -> None:
    early, late = note(), note()
    async with beside(trial.relay().run()), trial.sessions() as db:
        await db.execute(text("select 1"))  # without it this transaction would be one statement, done at once
        emit(db, early)
        await db.run_sync(lambda session: session.dispatch.before_commit(session))
        await say(trial, late)
        assert set(versions(await published(trial))) == {late.note_id}
        await db.commit()
        assert set(versions(await published(trial))) == {late.note_id, early.note_id}


async def test_an_event_too_large_is_refused_when_it_is_emitted(trial: Trial) -> None:
    room = LARGEST - len(note().model_dump_json())
    largest = note(text="x" * room)
    async with trial.sessions() as db, db.begin():
        with pytest.raises(ValueError, match=f"NoteTaken has {LARGEST + 1} bytes"):
            emit(db, note(text="x" * (room + 1)))
        emit(db, largest)
    assert await value(trial, "select count(*) from outbox") == 1
    async with beside(trial.relay().run()):
        assert set(versions(await published(trial))) == {largest.note_id}


async def test_a_tombstone_has_no_value_and_says_what_it_is(trial: Trial) -> None:
    burnt = NoteBurnt(note_id=uuid4())
    async with beside(trial.relay().run()):
        await say(trial, burnt)
        (record,) = await published(trial)
    assert (record.key, record.value) == (str(burnt.note_id).encode(), None)
    assert dict(record.headers)["ce_type"] == b"NoteBurnt"


async def test_a_record_is_a_cloud_event_in_the_trace_of_its_cause(trial: Trial) -> None:
    cause = trace.get_current_span(context(f"00-{TRACE}-b7ad6b7169203331-01"))
    written = note(text="水")
    async with beside(trial.relay().run()):
        with trace.use_span(cause):
            await say(trial, written)
        (record,) = await published(trial)
    headers = {name: text.decode() for name, text in record.headers}
    assert abs(datetime.now(UTC) - datetime.fromisoformat(headers.pop("ce_time"))) < timedelta(minutes=1)
    assert UUID(headers.pop("ce_id")).version == 4
    assert headers.pop("traceparent").split("-")[1] == TRACE
    assert headers == {
        "ce_specversion": "1.0",
        "ce_source": f"/i2pcc/{trial.service}",
        "ce_type": "NoteTaken",
        "content-type": "application/json",
    }
    assert (record.key, record.value) == (str(written.note_id).encode(), written.model_dump_json().encode())


async def test_without_a_trace_there_is_no_traceparent(trial: Trial) -> None:
    async with beside(trial.relay().run()):
        await say(trial, note())
        (record,) = await published(trial)
    assert "traceparent" not in dict(record.headers)


@pytest.fixture
async def elsewhere(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Topic]:
    """Where NoteElsewhere goes; not there yet."""
    name = f"{trial.service}.elsewhere.v1"
    monkeypatch.setattr(NoteElsewhere, "topic", name, raising=False)
    yield Topic(name=name, key="note_id", partitions=3, writers=(), readers=())
    await admin(trial, "delete_topics", [name])


async def admin(trial: Trial, command: str, *arguments: object) -> None:
    made = AIOKafkaAdminClient(**client(trial.kafka))
    await made.start()
    try:
        await getattr(made, command)(*arguments)
    finally:
        await made.close()


@pytest.mark.parametrize("cause", ["UnknownTopicOrPartitionError", "MessageSizeTooLargeError"])
async def test_a_row_that_cannot_be_published_holds_back_its_own_key_until_it_can(
    trial: Trial, elsewhere: Topic, cause: str
) -> None:
    if cause == "MessageSizeTooLargeError":
        narrow = NewTopic(elsewhere.name, 3, 1, topic_configs={"max.message.bytes": "1000"})
        await admin(trial, "create_topics", [narrow])
    stuck, other = uuid4(), note()
    async with beside(trial.relay().run()):
        await say(trial, NoteElsewhere(note_id=stuck, version=1, text="x" * 2_000))
        assert await becomes(trial, "select max(error) from outbox where parked_until > now()", cause)
        parked = await value(trial, "select parked_until from outbox")
        await say(trial, NoteElsewhere(note_id=stuck, version=2))
        await say(trial, other)
        assert await becomes(trial, "select count(*) from outbox", 2)
        assert set(versions(await read(trial))) == {other.note_id}
        assert await value(trial, "select max(parked_until) from outbox") == parked, "it was tried before its time"

        await make_topics(trial.kafka, [elsewhere])
        await change(trial, "update outbox set parked_until = now()")
        assert versions(await published(trial, elsewhere.name)) == {stuck: [1, 2]}


async def test_of_two_relays_one_publishes_and_the_other_takes_over_when_it_ends(trial: Trial) -> None:
    first, second = trial.relay(), trial.relay()
    ids = await new_notes(trial, 4)
    async with beside(second.run()):
        async with beside(first.run()):
            await write(trial, ids, 50)
            assert len(await published(trial)) == 50
            assert first.owner != second.owner
        await say(trial, last := note())
        found = await published(trial)
    assert versions(found) == await complete(trial) | {last.note_id: [1]}


async def test_a_stopped_owner_loses_its_place_in_time_and_harms_nothing_when_it_wakes(
    trial: Trial, processes: Processes
) -> None:
    owner = processes.start(program("relay", trial))
    assert await becomes(trial, OWNERS, 1)
    ids, relay = await new_notes(trial, 4), trial.relay()
    async with beside(relay.run()):
        writing = [asyncio.create_task(write(trial, ids, 100)) for _ in range(4)]
        assert await until(lambda: has_arrived(trial, 50), 60)
        owner.send_signal(signal.SIGSTOP)
        assert not relay.owner
        await asyncio.gather(*writing)
        assert await until(lambda: owns(relay), TIMEOUT + MARGIN)
        assert versions(await published(trial)) == await complete(trial)

        owner.send_signal(signal.SIGCONT)
        await write(trial, ids, 50)
        assert versions(await published(trial)) == await complete(trial)
    await write(trial, ids, 50)
    assert versions(await published(trial)) == await complete(trial)


async def has_arrived(trial: Trial, count: int) -> bool:
    return len(await read(trial)) >= count


async def owns(relay: Relay) -> bool:
    return relay.owner


async def test_a_relay_outlives_its_connections(trial: Trial) -> None:
    ids, relay = await new_notes(trial, 4), trial.relay()
    async with beside(relay.run()):
        for _ in range(3):
            assert await until(lambda: owns(relay), 60)
            writing = asyncio.create_task(write(trial, ids, 100))
            await change(trial, DISCONNECT, name=f"{trial.service}-relay")
            await writing
            assert versions(await published(trial)) == await complete(trial)


class Counted(Relay):
    """Counts its looks."""

    looks = 0

    async def _drain(self, *arguments: Any) -> int:
        self.looks += 1
        return await super()._drain(*arguments)


async def say_later(trial: Trial, wait: float, *events: Event) -> None:
    async with trial.sessions() as db, db.begin():
        emit(db, *events, wait=wait)


async def test_a_row_that_waits_is_published_when_it_is_due_and_not_looked_for_all_the_time(trial: Trial) -> None:
    held, relay, began = note(), Counted(trial.service, trial.url, trial.kafka), time.monotonic()
    await say_later(trial, 1.5, held)
    (due,) = [row["not_before"] for row in await rows(trial, "select not_before from outbox")]
    async with beside(relay.run()):
        assert await until(lambda: has_arrived(trial, 1), 60)  # not by the database: a commit has the relay look
    (record,) = await read(trial)
    assert record.timestamp >= int(due.timestamp() * 1_000)
    assert relay.looks <= 1.5 * (time.monotonic() - began) / POLL


async def test_a_row_that_waits_holds_back_neither_its_own_key_nor_others(trial: Trial) -> None:
    held, other = note(), note()
    await change(
        trial,
        "insert into outbox (event_id, type, topic, key, value, not_before) select gen_random_uuid(), 'NoteTaken', "
        ":topic, gen_random_uuid()::text, '', now() + interval '1 hour' from generate_series(1, :count)",
        topic=trial.topics[0],
        count=CHUNK,
    )
    await say_later(trial, 3_600, held)
    async with beside(trial.relay().run()):
        await say(trial, note(2, note_id=held.note_id), other)
        assert await becomes(trial, "select count(*) from outbox where not_before is null", 0)
    assert versions(await read(trial)) == {held.note_id: [2], other.note_id: [1]}


async def test_rows_that_wait_outlive_a_relay_and_go_out_in_their_order(trial: Trial) -> None:
    first = note()
    await say_later(trial, 3_600, first, note(2, note_id=first.note_id))
    async with beside(trial.relay().run()):
        await say(trial, other := note())
        assert await becomes(trial, "select count(*) from outbox where not_before is null", 0)
    await change(trial, "update outbox set not_before = now()")
    await say(trial, note(3, note_id=first.note_id))
    async with beside(trial.relay().run()):
        assert versions(await published(trial)) == {other.note_id: [1], first.note_id: [1, 2, 3]}
