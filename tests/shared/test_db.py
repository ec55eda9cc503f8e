"""Copies hold the newest state, and errors are told apart by what helps: waiting, trying again, or neither."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
from asyncpg import UniqueViolationError
from sqlalchemy import Executable, insert, text
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.waiting import until
from shared.db import cause, connect, fetch, is_contention, is_outage, newest_wins, sessions, write_last, write_row_last
from shared.outbox import emit
from shared.settings import Database
from tests.shared.running import becomes, change, rows
from tests.shared.trial import Note, NoteTaken, Trial, note


async def keep(trial: Trial, *events: NoteTaken) -> list[object]:
    """The keys of the notes that these events changed."""
    async with trial.sessions() as db, db.begin():
        return list(await newest_wins(db, Note, events))


async def held(trial: Trial) -> set[tuple[object, ...]]:
    return {tuple(row.values()) for row in await rows(trial, "select note_id, version, text from note")}


async def test_of_many_events_of_one_aggregate_the_newest_is_held(trial: Trial) -> None:
    one, other = uuid4(), uuid4()
    batch = [note(2, "two", one), note(1, "one", other), note(3, "three", one), note(1, "one", one)]
    assert set(await keep(trial, *batch)) == {one, other}
    assert await held(trial) == {(one, 3, "three"), (other, 1, "one")}


async def test_only_what_is_newer_than_what_is_held_changes_anything(trial: Trial) -> None:
    one, other = uuid4(), uuid4()
    await keep(trial, note(2, "held", one), note(2, "held", other))
    assert await keep(trial, note(2, "same", one), note(1, "older", one), note(3, "newer", other)) == [other]
    assert await held(trial) == {(one, 2, "held"), (other, 3, "newer")}


async def test_nothing_to_keep_asks_nothing_of_the_database(trial: Trial) -> None:
    async with trial.sessions() as db:
        assert await newest_wins(db, Note, []) == []
        assert not db.in_transaction()


async def test_any_text_arrives_as_it_is(trial: Trial) -> None:
    awkward = note(1, "'; drop table note --\n\\u0041 \" 水 💧 %s :rows {}")
    await keep(trial, awkward)
    assert await held(trial) == {(awkward.note_id, 1, awkward.text)}


async def test_two_batches_in_opposite_orders_do_not_block_each_other(trial: Trial) -> None:
    first, middle, last = sorted((note(1) for _ in range(3)), key=lambda event: event.note_id)
    await keep(trial, first, middle, last)
    newer = [event.model_copy(update={"version": 2}) for event in (first, middle, last)]
    async with trial.sessions() as db:
        await db.get(Note, middle.note_id, with_for_update=True)
        both = asyncio.gather(keep(trial, *newer), keep(trial, *reversed(newer)))
        assert await becomes(trial, "select count(*) from pg_locks where not granted", 2)
        await db.rollback()
        await both
    assert {version for _, version, _ in await held(trial)} == {2}


async def error_of(work: Awaitable[object]) -> BaseException:
    """What a piece of work fails with."""
    with pytest.raises(Exception) as raised:  # noqa: PT011 - which one is the question
        await work
    return raised.value


async def refused(trial: Trial) -> None:
    """Nobody listens."""
    await asked(trial.url.rpartition("@")[0] + "@127.0.0.1:1/nothing")


async def too_many(trial: Trial) -> None:
    """The role has no connection left."""
    await change(trial, f"create role {trial.service} login password 'trial' connection limit 0")
    try:
        await asked(trial.url.replace(trial.url.split("@")[0], f"postgresql://{trial.service}:trial"))
    finally:
        await change(trial, f"drop role {trial.service}")


async def asked(url: str) -> None:
    engine = connect(Database(url=url), "trial")
    async with sessions(engine)() as db:
        await db.execute(text("select 1"))


async def terminated(trial: Trial) -> None:
    """An administrator ended the connection."""
    async with trial.sessions() as db:
        pid = await db.scalar(text("select pg_backend_pid()"))
        await change(trial, "select pg_terminate_backend(:pid)", pid=pid)
        await db.execute(text("select 1"))


async def terminated_meanwhile(trial: Trial) -> None:
    """An administrator ended the connection while it worked."""
    async with trial.sessions() as db:
        await db.execute(text("select pg_terminate_backend(pg_backend_pid())"))


async def exhausted(trial: Trial) -> None:
    """All connections of the pool are in use."""
    engine = create_async_engine(trial.sessions.kw["bind"].url, pool_size=1, max_overflow=0, pool_timeout=0.05)
    try:
        async with engine.connect(), engine.connect():
            pass
    finally:
        await engine.dispose()


async def idled(trial: Trial) -> None:
    """The transaction was left open for too long."""
    async with trial.sessions() as db:
        await db.execute(text("set idle_in_transaction_session_timeout = 20"))
        pid = await db.scalar(text("select pg_backend_pid()"))
        assert await becomes(trial, f"select count(*) from pg_stat_activity where pid = {pid}", 0)
        await db.execute(text("select 1"))


@pytest.mark.parametrize("failure", [refused, too_many, terminated, terminated_meanwhile, exhausted, idled])
async def test_an_outage_is_what_waiting_helps_against(
    trial: Trial, failure: Callable[[Trial], Awaitable[None]]
) -> None:
    error = await error_of(failure(trial))
    assert is_outage(error), repr(cause(error))
    assert not is_contention(error)


async def deadlock(trial: Trial) -> None:
    """Two transactions wait for each other."""
    first, second = note(), note()
    await keep(trial, first, second)
    both_hold = asyncio.Barrier(2)

    async def lock(one: NoteTaken, other: NoteTaken) -> None:
        async with trial.sessions() as db:
            await db.get(Note, one.note_id, with_for_update=True)
            await both_hold.wait()
            await db.get(Note, other.note_id, with_for_update=True)

    results = await asyncio.gather(lock(first, second), lock(second, first), return_exceptions=True)
    raise next(result for result in results if result)


async def serialization(trial: Trial) -> None:
    """A transaction builds on what another has changed."""
    kept = note()
    await keep(trial, kept)
    async with trial.sessions() as db:
        await db.execute(text("set transaction isolation level repeatable read"))
        await db.execute(text("select * from note"))
        await keep(trial, kept.model_copy(update={"version": 2}))
        await db.execute(text("update note set version = 3"))


async def lock_timeout(trial: Trial) -> None:
    """Somebody else holds the row."""
    kept = note()
    await keep(trial, kept)
    async with trial.sessions() as db, trial.sessions() as other:
        await other.get(Note, kept.note_id, with_for_update=True)
        await db.execute(text("set local lock_timeout = 20"))
        await db.get(Note, kept.note_id, with_for_update=True)


@pytest.mark.parametrize("failure", [deadlock, serialization, lock_timeout])
async def test_contention_is_what_passes_when_done_again(
    trial: Trial, failure: Callable[[Trial], Awaitable[None]]
) -> None:
    error = await error_of(failure(trial))
    assert is_contention(error), repr(cause(error))
    assert not is_outage(error)


@pytest.mark.parametrize(
    "statement",
    [
        text("select 1 / 0"),
        text("select * from nothing"),
        text("select pg_sleep(10)"),
        insert(Note).values(note_id=uuid4(), version=None, text=""),
        insert(Note).values(note_id=uuid4(), version=2**40, text=""),
        insert(Note).values(note_id=uuid4(), version="one", text=""),
        insert(Note).values(note_id=uuid4(), version=1, text="\x00"),
        insert(Note).values(note_id=uuid4(), version=1, text="\ud800"),
    ],
    ids=["division", "no table", "too slow", "null", "large", "no number", "NUL", "surrogate"],
)
async def test_a_mistake_is_neither(trial: Trial, statement: Executable) -> None:
    async with trial.sessions() as db:
        await db.execute(text("set local statement_timeout = 100"))
        error = await error_of(db.execute(statement))
    assert not is_outage(error), repr(cause(error))
    assert not is_contention(error)


INBOX = "insert into inbox (event_id) values ($1)"


async def test_last_writes_and_events_of_a_transaction_are_done_together(trial: Trial) -> None:
    ids = [uuid4(), uuid4()]
    async with trial.sessions() as db:
        for event_id in ids:
            write_last(db.sync_session, INBOX, event_id)
        emit(db, note())
        await db.commit()
    assert {row["event_id"] for row in await rows(trial, "select event_id from inbox")} == set(ids)
    assert len(await rows(trial, "select * from outbox")) == 1


async def test_one_last_write_that_fails_undoes_the_others(trial: Trial) -> None:
    taken = uuid4()
    await change(trial, "insert into inbox (event_id) values (:taken)", taken=taken)
    async with trial.sessions() as db:
        emit(db, note())
        write_last(db.sync_session, INBOX, uuid4())
        write_last(db.sync_session, INBOX, taken)
        with pytest.raises(UniqueViolationError):
            await db.commit()
        await db.rollback()
        await db.commit()
    assert [row["event_id"] for row in await rows(trial, "select event_id from inbox")] == [taken]
    assert await rows(trial, "select * from outbox") == []


async def test_a_pooled_connection_that_has_ended_is_replaced_before_it_is_used(trial: Trial) -> None:
    async with trial.sessions() as db:
        [[pid]] = await fetch(db, "select pg_backend_pid()")
        connection = (await (await db.connection()).get_raw_connection()).driver_connection
    await change(trial, "select pg_terminate_backend(:pid)", pid=pid)

    async def ended() -> bool:
        return bool(connection and connection.is_closed())

    assert await until(ended, 10)
    async with trial.sessions() as db:
        [[other]] = await fetch(db, "select pg_backend_pid()")
    assert other != pid


async def test_one_transaction_can_write_more_rows_at_its_end_than_a_statement_has_places(trial: Trial) -> None:
    query = "insert into note (note_id, version, text) select * from unnest($1::uuid[], $2::int[], $3::text[])"
    async with trial.sessions() as db, db.begin():
        for number in range(12_000):
            write_row_last(db.sync_session, query, uuid4(), number, "many")
        write_last(db.sync_session, "update note set text = $1 where false", "nothing")
    assert await rows(trial, "select count(*), max(version) from note") == [{"count": 12_000, "max": 11_999}]
