"""Events are applied once and in order, and what cannot be applied is put aside with its cause."""

import asyncio
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import chain
from uuid import uuid4

import pytest
from aiokafka import ConsumerRecord
from aiokafka.consumer.group_coordinator import GroupCoordinator

from deploy.embedded.platform import Platform
from deploy.embedded.processes import Processes
from deploy.waiting import beside, until
from shared.db import Db
from shared.outbox import emit
from tests.shared.child import program
from tests.shared.running import acknowledged, becomes, consuming, publish, rows, value
from tests.shared.trial import Message, NoteBurnt, NoteTaken, Trial, act, handlers, message, note, person
from tests.tables import superuser

EFFECTS = "select array_agg(text order by id) from effect"
NOTES = "select array_agg(text order by text) from note"
DISCONNECT = (
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{}' and application_name = 'trial'"
)
LETTERS = "select count(*) from dead_letter"


def records(*messages: Message) -> list[ConsumerRecord]:
    """The same as a consumer reads them."""
    return [each.record(offset) for offset, each in enumerate(messages)]


async def test_a_repeated_event_has_its_effect_once(trial: Trial) -> None:
    first, second = note(1, "first"), note(2, "second")
    again = message(first)
    async with consuming(trial.consumer(batch=2)):
        await publish(trial, again, again, message(second), again)
        assert await becomes(trial, "select count(*) from note", 2)
        assert await until(lambda: is_acknowledged(trial, 4), 60)
    assert await value(trial, EFFECTS) == ["first", "second"]
    assert await value(trial, NOTES) == ["first", "second"]


async def test_an_older_version_never_replaces_a_newer_one(trial: Trial) -> None:
    note_id = uuid4()
    consumer = trial.consumer()
    await consumer.apply(records(message(note(3, "third", note_id)), message(note(2, "second", note_id))))
    await consumer.apply(records(message(note(1, "first", note_id))))
    assert await rows(trial, "select version, text from note") == [{"version": 3, "text": "third"}]
    assert await value(trial, EFFECTS) == ["third", "second", "first"]


async def test_a_consumer_whose_coordination_died_begins_again(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    died = asyncio.Event()
    beat = GroupCoordinator._do_heartbeat

    async def once(coordinator: GroupCoordinator) -> object:
        if coordinator.group_id == trial.service and not died.is_set():
            died.set()
            raise RuntimeError("the handler is closed")
        return await beat(coordinator)

    monkeypatch.setattr(GroupCoordinator, "_do_heartbeat", once)
    consumer = trial.consumer()
    async with beside(consumer.run()):
        await asyncio.wait_for(died.wait(), 30)
        await publish(trial, message(note(1, "afterwards")))
        assert await becomes(trial, "select count(*) from note", 1)
    await consumer.stop()


async def is_acknowledged(trial: Trial, offset: int) -> bool:
    return await acknowledged(trial, trial.topics[0]) == offset


def poisons() -> dict[str, tuple[Message, str]]:
    """Records that cannot be applied, and what is said of each. Their topic is filled in by the test."""
    sound = message(note(9, "poison"))
    body = sound.value or b""
    return {
        "no headers": (replace(sound, headers=()), "missing CloudEvents attribute: ce_type"),
        "header not UTF-8": (sound.with_header("traceparent", b"\xff"), "unreadable header or key: UnicodeDecodeError"),
        "header without value": (sound.with_header("ce_id", None), "unreadable header or key: AttributeError"),
        "empty header": (sound.with_header("ce_id", b""), "unreadable header or key: ValueError"),
        "unknown type": (sound.with_header("ce_type", b"NoteLost"), "unknown event type; the header ce_type has it"),
        "type with NUL": (sound.with_header("ce_type", b"\x00"), "unknown event type"),
        "id is no UUID": (sound.with_header("ce_id", b"7"), "unreadable header or key: ValueError"),
        "time is no time": (sound.with_header("ce_time", b"noon"), "unreadable header or key: ValueError"),
        "malformed JSON": (replace(sound, value=body[:-1]), "not a NoteTaken: .*json_invalid"),
        "not JSON": (replace(sound, value=b"\xff\xfe"), "not a NoteTaken: .*json_invalid"),
        "no object": (replace(sound, value=b"[]"), "not a NoteTaken: .*model_type"),
        "wrong types": (
            replace(sound, value=b'{"note_id": 7, "version": "x"}'),
            "not a NoteTaken: version: int_parsing; note_id: uuid_type",
        ),
        "missing fields": (replace(sound, value=b"{}"), "not a NoteTaken: version: missing; note_id: missing"),
        "nested too deep": (
            replace(sound, value=body[:-1] + b',"x":' + b"[" * 5_000 + b"]" * 5_000 + b"}"),
            "not a NoteTaken: .*json_invalid",
        ),
        "lone surrogate": (
            replace(sound, value=body.replace(b"poison", rb"\ud800")),
            "not a NoteTaken: .*json_invalid",
        ),
        "NUL in a text": (replace(sound, value=body.replace(b"poison", rb"\u0000")), "UntranslatableCharacterError"),
        "number too large": (
            replace(sound, value=body.replace(b'"version":9', b'"version":9999999999')),
            "NumericValueOutOfRangeError",
        ),
        "another key": (replace(sound, key=str(uuid4()).encode()), "the record's key is not the event's note_id"),
        "no key": (replace(sound, key=None), "the record's key is not the event's note_id"),
        "key not UTF-8": (replace(sound, key=b"\xff"), "unreadable header or key: UnicodeDecodeError"),
        "no value": (replace(sound, value=None), "NoteTaken has no value"),
        "value where none may be": (sound.with_header("ce_type", b"NoteBurnt"), "NoteBurnt must have no value"),
        "key of a tombstone is no id": (
            replace(message(NoteBurnt(note_id=uuid4())), key=b"7"),
            "not a NoteBurnt: note_id: uuid_parsing",
        ),
        "wrong topic": (
            replace(sound.with_header("ce_type", b"PersonNamed"), value=person("Li").model_dump_json().encode()),
            "PersonNamed does not belong on .*notes",
        ),
    }


@pytest.mark.parametrize("batch", [1, 7, 500])
async def test_poison_becomes_a_dead_letter_with_its_cause_and_its_neighbours_are_applied(
    trial: Trial, batch: int
) -> None:
    """Each kind between sound records, in batches that have one of them, several, and all."""
    poison = list(poisons().values())
    sound = [message(note(1, f"{place:02}")) for place in range(len(poison) + 1)]
    mixed = [sound[0], *chain(*zip((each for each, _ in poison), sound[1:], strict=True))]
    async with consuming(trial.consumer(batch=batch)):
        await publish(trial, *mixed)
        assert await until(lambda: is_acknowledged(trial, len(mixed)), 60)
    applied = [f"{place:02}" for place in range(len(sound))]
    assert await value(trial, NOTES) == applied
    assert await value(trial, EFFECTS) == applied
    letters = await rows(trial, 'select * from dead_letter order by "offset"')
    assert [(letter["topic"], letter["partition"], letter["offset"]) for letter in letters] == [
        (trial.topics[0], 0, 2 * place + 1) for place in range(len(poison))
    ]
    for letter, (each, cause) in zip(letters, poison, strict=True):
        assert (letter["key"], letter["value"]) == (each.key, each.value)
        assert re.match(cause, letter["cause"])


async def test_a_failing_reaction_holds_nothing_up_and_leaves_nothing(trial: Trial) -> None:
    note_id = uuid4()

    async def emit_and_fail(event: NoteTaken, db: Db) -> None:
        await act(event, db)
        emit(db, note(1, "consequence"))
        if event.version == 2:
            raise LookupError("no such thing")

    async with consuming(trial.consumer(handlers(emit_and_fail))):
        await publish(trial, *(message(note(version, f"v{version}", note_id)) for version in (1, 2, 3)))
        assert await until(lambda: is_acknowledged(trial, 3), 60)
    assert await value(trial, EFFECTS) == ["v1", "v3"]
    assert await value(trial, "select count(*) from inbox") == 2
    assert await value(trial, "select count(*) from outbox") == 2
    (letter,) = await rows(trial, "select *, next_try - buried_at as wait from dead_letter")
    assert letter["type"] == "NoteTaken"
    assert re.fullmatch(r"LookupError at emit_and_fail:\d+: no such thing", letter["cause"])
    assert letter["wait"].total_seconds() == 10


async def test_two_consumers_with_the_same_batch_have_its_effects_once(trial: Trial) -> None:
    batch = records(*(message(note(1, str(number))) for number in range(50)))
    shuffled = random.sample(batch, len(batch))
    first, second = trial.consumer(), trial.consumer()
    for _ in range(5):
        await asyncio.gather(first.apply(batch), second.apply(shuffled))
    assert sorted(await value(trial, EFFECTS), key=int) == [str(number) for number in range(50)]
    assert await value(trial, "select count(*) from note") == 50
    assert await value(trial, LETTERS) == 0


async def test_a_crash_between_commit_and_acknowledgement_repeats_no_effect(trial: Trial, processes: Processes) -> None:
    await publish(trial, *(message(note(1, f"a{number}")) for number in range(3)))
    processes.start(program("consumer", trial))

    async def committed() -> bool:
        return "committed" in processes.tail("consumer")

    assert await until(committed, 60)
    processes.kill("consumer")
    assert await value(trial, EFFECTS) == ["a0", "a1", "a2"]
    assert await acknowledged(trial, trial.topics[0]) == 0
    await publish(trial, message(note(1, "b")))
    async with consuming(trial.consumer()):
        assert await until(lambda: is_acknowledged(trial, 4), 60)
    assert await value(trial, EFFECTS) == ["a0", "a1", "a2", "b"]
    assert await value(trial, LETTERS) == 0


@pytest.mark.parametrize("outage", ["connections forbidden", "server killed"])
async def test_while_the_database_is_down_the_consumer_waits_and_puts_nothing_aside(
    trial: Trial, platform: Platform, caplog: pytest.LogCaptureFixture, outage: str
) -> None:
    async def has_waited_twice() -> bool:
        return len([line for line in caplog.messages if f"{trial.service} cannot go on" in line]) >= 2

    async with consuming(trial.consumer(batch=5)):
        await publish(trial, message(note(1, "0")))
        assert await until(lambda: is_acknowledged(trial, 1), 60)
        async with down(platform, trial, outage):
            await publish(trial, *(message(note(1, str(number))) for number in range(1, 20)))
            assert await until(has_waited_twice, 60)
        assert await until(lambda: is_acknowledged(trial, 20), 60)
    assert await value(trial, EFFECTS) == [str(number) for number in range(20)]
    assert await value(trial, LETTERS) == 0


@asynccontextmanager
async def down(platform: Platform, trial: Trial, how: str) -> AsyncIterator[None]:
    """The trial's database cannot be reached meanwhile."""
    if how == "server killed":
        platform.kill("postgres")
        yield
        await platform.restart("postgres")
    else:
        await administer(platform, f"alter database {trial.service} with allow_connections false")
        await administer(platform, DISCONNECT.format(trial.service))
        yield
        await administer(platform, f"alter database {trial.service} with allow_connections true")


async def test_a_consumer_outlives_its_connections(trial: Trial, platform: Platform) -> None:
    async with consuming(trial.consumer(batch=10)):
        for start in range(0, 300, 30):
            await publish(trial, *(message(note(1, str(number))) for number in range(start, start + 30)))
            await administer(platform, DISCONNECT.format(trial.service))
        assert await until(lambda: is_acknowledged(trial, 300), 60)
    assert await value(trial, EFFECTS) == [str(number) for number in range(300)]
    assert await value(trial, LETTERS) == 0


async def administer(platform: Platform, statement: str) -> None:
    async with superuser(platform) as connection:
        await connection.execute(statement)
