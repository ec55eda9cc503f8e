"""Dead letters are tried again in their time, and quote nothing personal."""

import asyncio
import re

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaConnectionError

from shared.bus import Consumer, Handlers
from shared.db import Db, connect, sessions
from shared.deadletters import SPACING, retry
from shared.kafka import client
from shared.settings import Database
from tests.shared.running import becomes, change, consuming, publish, rows, value
from tests.shared.trial import Effect, NoteTaken, PersonNamed, Trial, act, handlers, message, note, person

DUE = "update dead_letter set next_try = now()"
EFFECTS = "select array_agg(text order by id) from effect"
LETTERS = "select count(*) from dead_letter"
NOWHERE = "127.0.0.1:1"


class Buggy:
    """Handlers with a bug, until it is mended."""

    mended = False

    def handlers(self) -> Handlers:
        """A reaction to notes and one to persons."""
        made = handlers(self.act)
        made.react(PersonNamed)(self.greet)
        return made

    async def act(self, event: NoteTaken, db: Db) -> None:
        """Leave a mark."""
        if event.text == "trouble" and not self.mended:
            raise LookupError("no such thing")
        await act(event, db)

    async def greet(self, event: PersonNamed, db: Db) -> None:
        """Leave a mark."""
        if not self.mended:
            raise LookupError(f"{event.name} is not known")
        db.add(Effect(event_id=event.envelope.id, text=event.name))


@pytest.fixture
def bug() -> Buggy:
    return Buggy()


async def buried(trial: Trial, bug: Buggy) -> Consumer:
    """A consumer that has buried a note with trouble, and has applied the next."""
    consumer = trial.consumer(bug.handlers())
    trouble, other = message(note(1, "trouble")), message(note(1, "other"))
    await consumer.apply([trouble.record(0), other.record(1)])
    assert await value(trial, EFFECTS) == ["other"]
    return consumer


async def test_a_letter_is_applied_when_the_bug_has_gone(trial: Trial, bug: Buggy) -> None:
    consumer = await buried(trial, bug)
    bug.mended = True
    assert not await consumer.retry(trial.sessions), "it is not due yet"
    await change(trial, DUE)
    assert await consumer.retry(trial.sessions)
    assert await value(trial, EFFECTS) == ["other", "trouble"]
    assert await value(trial, LETTERS) == 0


async def test_tries_are_spaced_and_end(trial: Trial, bug: Buggy) -> None:
    consumer = await buried(trial, bug)
    for tries, spacing in enumerate([*SPACING[1:], None], start=1):
        await change(trial, DUE)
        assert await consumer.retry(trial.sessions)
        (letter,) = await rows(trial, "select tries, next_try - now() as wait from dead_letter")
        assert letter["tries"] == tries
        if spacing:
            wanted = await value(trial, f"select interval '{spacing}'")
            assert wanted * 0.5 < letter["wait"] <= wanted
    assert letter["wait"] is None
    bug.mended = True
    assert not await consumer.retry(trial.sessions)
    assert await value(trial, LETTERS) == 1


async def test_a_letter_tells_its_newest_cause(trial: Trial, bug: Buggy) -> None:
    consumer = await buried(trial, bug)
    await change(trial, "alter table effect rename to gone")
    bug.mended = True
    await change(trial, DUE)
    await consumer.retry(trial.sessions)
    assert "UndefinedTableError" in await value(trial, "select cause from dead_letter")


async def test_what_no_retry_can_mend_is_not_tried_again(trial: Trial) -> None:
    consumer = trial.consumer()
    await consumer.apply([message(note()).with_header("ce_type", b"NoteLost").record(0)])
    assert await rows(trial, "select next_try from dead_letter") == [{"next_try": None}]


async def test_an_unreadable_letter_that_an_operator_retries_is_final_again(trial: Trial) -> None:
    consumer = trial.consumer()
    await consumer.apply([message(note()).with_header("ce_type", b"NoteLost").record(0)])
    (before,) = await rows(trial, "select cause from dead_letter")
    await change(trial, DUE)
    assert await consumer.retry(trial.sessions)
    assert await rows(trial, "select cause, tries, next_try from dead_letter") == [
        {"cause": before["cause"], "tries": 1, "next_try": None}
    ]


async def test_a_record_that_arrives_again_makes_no_second_letter(trial: Trial, bug: Buggy) -> None:
    consumer = trial.consumer(bug.handlers())
    batch = [message(note(1, "trouble")).record(0), message(note()).with_header("ce_id", b"7").record(1)]
    await consumer.apply(batch)
    await consumer.apply(batch)
    assert await value(trial, LETTERS) == 2


async def test_a_letter_that_one_process_holds_is_skipped_by_another(trial: Trial, bug: Buggy) -> None:
    consumer = await buried(trial, bug)
    await change(trial, DUE)
    bug.mended = True
    holding, go_on = asyncio.Event(), asyncio.Event()

    async def apply(record: object) -> None:
        holding.set()
        await go_on.wait()

    first = asyncio.create_task(retry(trial.sessions, trial.kafka, apply))
    await holding.wait()
    assert not await consumer.retry(trial.sessions)
    go_on.set()
    assert await first
    assert await value(trial, EFFECTS) == ["other"]


async def test_an_outage_costs_a_letter_no_try(trial: Trial, bug: Buggy) -> None:
    await buried(trial, bug)
    await change(trial, DUE)
    engine = connect(Database(url=f"postgresql://nobody:nothing@{NOWHERE}/nothing"), "trial")
    elsewhere = Consumer("trial", bug.handlers(), sessions(engine), trial.kafka)
    with pytest.raises(OSError, match="Connect call failed"):
        await retry(trial.sessions, trial.kafka, elsewhere.apply_one)
    assert await value(trial, "select tries from dead_letter where next_try <= now()") == 0


@pytest.fixture
async def personal(trial: Trial, bug: Buggy) -> Consumer:
    """A consumer that has buried a personal record."""
    consumer = trial.consumer(bug.handlers())
    async with consuming(consumer):
        await publish(trial, message(person("Li Na")))
        assert await becomes(trial, LETTERS, 1)
    await change(trial, DUE)
    return consumer


async def test_a_personal_letter_holds_nothing_personal(trial: Trial, personal: Consumer) -> None:
    (letter,) = await rows(trial, "select * from dead_letter")
    assert letter["value"] is None
    assert re.fullmatch(r"LookupError at greet:\d+", letter["cause"])
    await personal.retry(trial.sessions)
    (letter,) = await rows(trial, "select * from dead_letter")
    assert letter["tries"] == 1
    assert "Li Na" not in str(letter)


async def test_a_personal_letter_is_read_again_from_its_topic(trial: Trial, bug: Buggy, personal: Consumer) -> None:
    bug.mended = True
    assert await personal.retry(trial.sessions)
    assert await value(trial, EFFECTS) == ["Li Na"]
    assert await value(trial, LETTERS) == 0


@pytest.mark.parametrize("later", [0, 1], ids=["nothing else is there", "another record is there"])
async def test_a_personal_letter_goes_with_its_record(trial: Trial, bug: Buggy, personal: Consumer, later: int) -> None:
    await publish(trial, *[message(person("Wang"))] * later)
    admin = AIOKafkaAdminClient(**client(trial.kafka))
    await admin.start()
    await admin.delete_records({TopicPartition(trial.topics[1], 0): RecordsToDelete(before_offset=1)})
    await admin.close()
    bug.mended = True
    assert await personal.retry(trial.sessions)
    assert await value(trial, EFFECTS) is None
    assert await value(trial, LETTERS) == 0


async def test_an_unreachable_broker_costs_a_personal_letter_no_try(trial: Trial, personal: Consumer) -> None:
    with pytest.raises(KafkaConnectionError):
        await retry(trial.sessions, trial.kafka.model_copy(update={"servers": NOWHERE}), personal.apply_one)
    assert await value(trial, "select tries from dead_letter where next_try <= now()") == 0
