"""The audit log's rows join their transaction, are sealed into one chain, and nothing done to it stays unnoticed."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text

from shared import audit
from shared.audit import COLUMNS, GENESIS, Head, Report, Wrong, record, seal, verify
from shared.db import run_last
from shared.outbox import emit, emitted
from shared.telemetry import step
from tests.shared.running import change, rows, value
from tests.shared.trial import Trial, note

TRACE = uuid4().hex
READER = "i2pcc_portal"
"""A role that may do nothing here but read."""

Findings = dict[Wrong, list[int | str]]


async def done(trial: Trial, count: int = 1) -> list[int]:
    """Have so many things happen, each audited; the ids of their rows."""
    request = str(uuid4())
    for _ in range(count):
        async with trial.sessions() as db, db.begin():
            record(db, "somebody", "POST /v1/notes", [("NoteTaken", str(uuid4()))], role="company", request=request)
    return [row["id"] for row in await rows(trial, "select id from audit where request = :r order by id", r=request)]


async def sealed(trial: Trial, count: int = 5) -> list[int]:
    """The same, sealed."""
    ids = await done(trial, count)
    while await value(trial, "select exists (select from audit_unsealed)"):
        await seal(trial.sessions)
    return ids


async def checked(trial: Trial, noted: Head | None = None) -> Report:
    """What verify finds, with no more rights than it needs."""
    for right in (f"usage on schema public to {READER}", f"select on all tables in schema public to {READER}"):
        await change(trial, f"grant {right}")
    connection = await asyncpg.connect(trial.url, server_settings={"role": READER})
    try:
        return await verify(connection, noted)
    finally:
        await connection.close()


def wrong(report: Report) -> Findings:
    """What was found where; all places are named."""
    assert all(found.count == len(found.first) for found in report.wrong.values())
    return {kind: found.first for kind, found in report.wrong.items()}


async def head(trial: Trial) -> Head:
    """The head of a chain that is whole."""
    report = await checked(trial)
    assert wrong(report) == {}
    assert report.head
    return report.head


async def test_a_row_tells_who_did_what_to_which_objects_by_which_request(trial: Trial) -> None:
    one, other = note(), note()
    with step("command", f"00-{TRACE}-b7ad6b7169203331-01"):
        async with trial.sessions() as db, db.begin():
            emit(db, one, other, one)
            record(db, "an.peeters", "POST /v1/notes", emitted(db), role="company", request="key")
    (row,) = await rows(trial, "select *, at between now() - interval '1 minute' and now() as recent from audit")
    objects = [{"type": "NoteTaken", "key": str(each.note_id)} for each in (one, other)]
    told = {"subject": "an.peeters", "role": "company", "action": "POST /v1/notes", "objects": objects}
    assert {name: row[name] for name in (*told, "request", "trace", "recent")} == told | {
        "request": "key",
        "trace": TRACE,
        "recent": True,
    }


async def test_what_is_rolled_back_leaves_no_row_and_nothing_to_seal(trial: Trial) -> None:
    async with trial.sessions() as db:
        record(db, "somebody", "POST /v1/notes", [])
        await db.rollback()
        await db.commit()
    async with trial.sessions() as db:
        await db.execute(text("select 1"))
        record(db, "somebody", "POST /v1/notes", [])
        await db.run_sync(run_last)
        await db.rollback()
    assert await value(trial, "select (select count(*) from audit) + (select count(*) from audit_unsealed)") == 0


async def test_a_hash_is_of_the_one_before_and_the_row_as_sorted_json(trial: Trial) -> None:
    async with trial.sessions() as db, db.begin():
        record(db, "张\u2028'\"\\", "POST /v1/notes", [("NoteTaken", "ü")])
    await sealed(trial, 2)
    last = GENESIS
    iso = "to_char(at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') as at"
    query = f"select *, {iso}, objects::text as objects from audit join audit_seal on audit_id = id order by position"
    for row in await rows(trial, query):
        columns = {name: row[name] for name in COLUMNS} | {"at": row["at"].rstrip("0").rstrip(".")}
        text_ = json.dumps(columns, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        last = hashlib.sha256(last + text_.encode()).digest()
        assert row["hash"] == last
    assert (await head(trial)).hash == last.hex()


async def test_every_column_is_covered(trial: Trial) -> None:
    names = await rows(trial, "select column_name from information_schema.columns where table_name = 'audit'")
    assert {row["column_name"] for row in names} == set(COLUMNS)


async def test_sealers_beside_each_other_make_one_chain(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "BATCH", 3)
    await done(trial, 50)
    while await value(trial, "select exists (select from audit_unsealed)"):
        await asyncio.gather(*(seal(trial.sessions) for _ in range(5)))
    assert (await head(trial)).position == 50


async def test_a_sealer_leaves_the_work_to_the_one_that_has_begun(trial: Trial) -> None:
    await done(trial)
    async with trial.onlooker() as db, db.begin():
        assert await db.scalar(audit.LOCK)
        assert not await seal(trial.sessions)
    assert (await checked(trial)).sealed == 0
    await seal(trial.sessions)
    assert (await checked(trial)).sealed == 1


async def test_a_full_batch_is_followed_by_the_next_at_once(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "BATCH", 2)
    await done(trial, 3)
    assert [await seal(trial.sessions) for _ in range(3)] == [True, False, False]


async def test_a_row_that_commits_after_later_ones_were_sealed_is_sealed_too(trial: Trial) -> None:
    async with trial.sessions() as db:
        await db.execute(text("select 1"))
        record(db, "slow", "POST /v1/notes", [])
        await db.run_sync(run_last)
        later = await sealed(trial, 2)
        await db.commit()
    await sealed(trial, 1)
    order = [row["audit_id"] for row in await rows(trial, "select audit_id from audit_seal order by position")]
    slow = await value(trial, "select id from audit where subject = 'slow'")
    assert slow < later[0]
    assert order.index(slow) == 2
    assert (await head(trial)).position == 4


async def test_the_unsealed_tail_is_told_and_is_nothing_wrong_for_a_minute(trial: Trial) -> None:
    await sealed(trial, 2)
    first, _ = await done(trial, 2)
    report = await checked(trial)
    assert (report.sealed, report.waiting, wrong(report)) == (2, 2, {})
    assert report.oldest == await value(trial, "select at from audit where id = :id", id=first)
    await change(trial, "update audit set at = at - interval '61 seconds' where id = :id", id=first)
    assert wrong(await checked(trial)) == {Wrong.LATE: [first]}


CHANGES = {
    "at": "at + interval '1 microsecond'",
    "subject": "'somebody else'",
    "role": "null",
    "action": "action || ' '",
    "objects": "'[]'",
    "request": "null",
    "trace": f"'{TRACE}'",
}


@pytest.mark.parametrize("column", CHANGES)
async def test_a_changed_column_is_found(trial: Trial, column: str) -> None:
    ids = await sealed(trial)
    await change(trial, f"update audit set {column} = {CHANGES[column]} where id = :id", id=ids[2])
    assert wrong(await checked(trial)) == {Wrong.CHANGED: [ids[2]]}


def test_each_column_but_the_id_has_a_change() -> None:
    assert {"id", *CHANGES} == set(COLUMNS)


@pytest.mark.parametrize("at", ["infinity", "-infinity", "2026-01-01 BC", "12026-01-01"])
async def test_a_time_that_no_clock_shows_is_found_too(trial: Trial, at: str) -> None:
    ids = await sealed(trial)
    await change(trial, f"update audit set at = '{at}' where id = :id", id=ids[2])
    assert wrong(await checked(trial)) == {Wrong.CHANGED: [ids[2]]}


Tampering = Callable[[Trial, list[int]], Coroutine[Any, Any, Findings]]


async def another_id(trial: Trial, ids: list[int]) -> Findings:
    """Of an identity column it can be changed only once it is none."""
    await change(trial, "alter table audit alter id drop identity")
    await change(trial, "update audit set id = 1000 where id = :id", id=ids[2])
    return {Wrong.MISSING: [ids[2]], Wrong.UNQUEUED: [1000]}


async def another_hash(trial: Trial, ids: list[int]) -> Findings:
    """The row after it does not fit either."""
    await change(trial, "update audit_seal set hash = '\\x00' where audit_id = :id", id=ids[2])
    return {Wrong.CHANGED: ids[2:4]}


async def removed_row(trial: Trial, ids: list[int]) -> Findings:
    await change(trial, "delete from audit where id = :id", id=ids[2])
    return {Wrong.MISSING: [ids[2]]}


async def removed_seal(trial: Trial, ids: list[int]) -> Findings:
    await change(trial, "delete from audit_seal where position = 3")
    return {Wrong.BROKEN: [4], Wrong.UNQUEUED: [ids[2]]}


async def removed_row_and_seal(trial: Trial, ids: list[int]) -> Findings:
    await change(trial, "delete from audit where id = :id", id=ids[0])
    await change(trial, "delete from audit_seal where position = 1")
    return {Wrong.BROKEN: [2]}


async def removed_row_and_seal_closed_up(trial: Trial, ids: list[int]) -> Findings:
    await change(trial, "delete from audit where id = :id", id=ids[2])
    await change(trial, "delete from audit_seal where position = 3")
    for position in (4, 5):
        await change(trial, "update audit_seal set position = position - 1 where position = :p", p=position)
    return {Wrong.CHANGED: [ids[3]]}


async def swapped_seals(trial: Trial, ids: list[int]) -> Findings:
    """What comes after each of them does not fit either."""
    for old, new in ((2, -1), (4, 2), (-1, 4)):
        await change(trial, "update audit_seal set position = :new where position = :old", new=new, old=old)
    return {Wrong.CHANGED: ids[1:]}


async def swapped_rows(trial: Trial, ids: list[int]) -> Findings:
    """Two rows of which each now says what the other said."""
    one, other = ids[1], ids[3]
    await change(trial, "alter table audit alter id drop identity")
    for old, new in ((one, -1), (other, one), (-1, other)):
        await change(trial, "update audit set id = :new where id = :old", new=new, old=old)
    return {Wrong.CHANGED: [one, other]}


async def inserted_row(trial: Trial, _: list[int]) -> Findings:
    await change(trial, "insert into audit (subject, action, objects) values ('nobody', 'nothing', '[]')")
    return {Wrong.UNQUEUED: [await value(trial, "select max(id) from audit")]}


async def inserted_seal(trial: Trial, _: list[int]) -> Findings:
    """At the end, of a row that is there, with a hash that somebody made up."""
    (waiting,) = await done(trial)
    await change(trial, "delete from audit_unsealed")
    await change(trial, "insert into audit_seal values (6, :id, '\\x00')", id=waiting)
    return {Wrong.CHANGED: [waiting]}


async def seal_far_ahead(trial: Trial, _: list[int]) -> Findings:
    await change(trial, "insert into audit_seal values (1000000, 1000, '\\x00')")
    return {Wrong.BROKEN: [1_000_000], Wrong.MISSING: [1000]}


async def vanished_from_the_queue(trial: Trial, _: list[int]) -> Findings:
    waiting = await done(trial)
    await change(trial, "delete from audit_unsealed")
    return {Wrong.UNQUEUED: waiting}


async def vanished_before_it_was_sealed(trial: Trial, _: list[int]) -> Findings:
    (waiting,) = await done(trial)
    await change(trial, "delete from audit where id = :id", id=waiting)
    assert not await seal(trial.sessions)
    return {Wrong.MISSING: [waiting]}


async def right_to_change(trial: Trial, _: list[int]) -> Findings:
    await change(trial, f"grant delete, truncate on audit to {READER}")
    await change(trial, f"grant update (hash) on audit_seal to {READER}")
    return {Wrong.RIGHTS: ["DELETE on audit", "TRUNCATE on audit", "UPDATE on audit_seal"]}


TAMPERINGS: list[Tampering] = [
    another_id,
    another_hash,
    removed_row,
    removed_seal,
    removed_row_and_seal,
    removed_row_and_seal_closed_up,
    swapped_seals,
    swapped_rows,
    inserted_row,
    inserted_seal,
    seal_far_ahead,
    vanished_from_the_queue,
    vanished_before_it_was_sealed,
    right_to_change,
]


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__)
async def test_what_was_tampered_with_is_found(trial: Trial, tamper: Tampering) -> None:
    expected = await tamper(trial, await sealed(trial))
    found = wrong(await checked(trial))
    assert {kind: set(places) for kind, places in found.items()} == {
        kind: set(places) for kind, places in expected.items()
    }


async def test_a_chain_cut_short_is_found_by_the_head_that_was_noted(trial: Trial) -> None:
    ids = await sealed(trial)
    noted = await head(trial)
    assert wrong(await checked(trial, noted)) == {}
    await change(trial, "delete from audit where id > :id", id=ids[2])
    await change(trial, "delete from audit_seal where audit_id > :id", id=ids[2])
    assert wrong(await checked(trial)) == {}
    assert wrong(await checked(trial, noted)) == {Wrong.CUT: [5]}


async def test_a_chain_made_anew_is_found_by_the_head_that_was_noted(trial: Trial) -> None:
    ids = await sealed(trial)
    noted = await head(trial)
    await change(trial, "update audit set subject = 'somebody else' where id = :id", id=ids[2])
    await change(trial, "delete from audit_seal")
    await change(trial, "insert into audit_unsealed select id from audit")
    await seal(trial.sessions)
    assert wrong(await checked(trial)) == {}
    assert wrong(await checked(trial, noted)) == {Wrong.CUT: [5]}


async def test_a_chain_that_went_on_still_holds_the_head_that_was_noted(trial: Trial) -> None:
    await sealed(trial, 2)
    noted = await head(trial)
    await sealed(trial, 2)
    report = await checked(trial, noted)
    assert (report.sealed, wrong(report)) == (4, {})


async def test_of_many_findings_the_first_are_named_and_all_are_counted(trial: Trial) -> None:
    await sealed(trial, 1)
    await change(
        trial, "insert into audit (subject, action, objects) select 'x', 'y', '[]' from generate_series(1, 50)"
    )
    found = (await checked(trial)).wrong[Wrong.UNQUEUED]
    assert (found.count, len(found.first)) == (50, audit.NAMED)
