"""i2pcc dlq: what it shows of dead letters, what becomes of those that it retries or drops, that none gets lost."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from secrets import randbelow
from typing import Any
from uuid import UUID, uuid4

import pytest

from deploy.dlq.letters import choice, moment
from deploy.embedded.platform import Platform
from deploy.problems import Problem
from deploy.waiting import until
from shared.db import connect, sessions
from shared.deadletters import bury
from shared.events import Event, MatchPresented
from shared.settings import Database
from tests.deploy.test_cli import COMMAND, run
from tests.facts import received
from tests.notify.parties import person
from tests.shared.trial import Message, message
from tests.tables import superuser

GIVEN_UP = "update notify.dead_letter set tries = 4, next_try = null where id = $1"
FIND = 'select id from notify.dead_letter where topic = $1 and "offset" = $2'
AUDITED = (
    "select action, subject, role, objects::text from notify.audit "
    "where exists (select from json_array_elements(objects) each where each ->> 'key' = $1) order by id"
)
MAILS = "select count(*) from notify.delivery where match_id = $1"
COMMAND_WAITS = (
    "select exists (select from pg_stat_activity where application_name = 'dlq' and wait_event_type = 'Lock')"
)
COMMAND_IS_THERE = "select exists (select from pg_stat_activity where application_name = 'dlq')"


def dlq(platform: Platform, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run("dlq", *arguments, I2PCC_STATE=str(platform.settings.state), COLUMNS="200")


async def buried(platform: Platform, sent: Message, cause: str, kind: type[Event] | None) -> str:
    """A letter of notify that it no longer tries by itself; what an operator calls it by."""
    engine = connect(Database(url=platform.database_url("i2pcc_notify")), "tests")
    record = sent.record(1_000_000_000 + randbelow(1_000_000_000))
    async with sessions(engine)() as db, db.begin():
        await bury(db, record, LookupError(cause) if kind else cause, kind)
    await engine.dispose()
    async with superuser(platform) as connection:
        letter = await connection.fetchval(FIND, record.topic, record.offset)
        await connection.execute(GIVEN_UP, letter)
    return f"notify/{letter}"


def presented(match: UUID | None = None) -> MatchPresented:
    return received(MatchPresented, match_id=match or uuid4())


async def applicable(platform: Platform, event: Event) -> str:
    """A letter whose bug has been mended."""
    return await buried(platform, message(event), f"about {event.key_text()}", type(event))


async def unreadable(platform: Platform, text: str) -> str:
    """A letter that no retry can make readable."""
    event = presented()
    broken = Message(event.topic, event.key_text().encode(), text.encode(), message(event).headers)
    return await buried(platform, broken, f"not a MatchPresented: {text}", None)


async def audited(platform: Platform, letter: str) -> list[dict[str, Any]]:
    async with superuser(platform) as connection:
        return [dict(row) for row in await connection.fetch(AUDITED, letter)]


async def is_there(platform: Platform, letter: str) -> bool:
    async with superuser(platform) as connection:
        query = "select exists (select from notify.dead_letter where id = $1)"
        return bool(await connection.fetchval(query, int(letter.partition("/")[2])))


async def mails(platform: Platform, match: UUID) -> int:
    async with superuser(platform) as connection:
        return int(await connection.fetchval(MAILS, match))


async def test_list_finds_letters_by_service_event_error_and_time(services: Platform) -> None:
    mark = uuid4().hex
    letter = await unreadable(services, mark)
    other = await applicable(services, presented())
    for narrowing in (("--error", mark.upper()), ("--error", mark, "--service", "notify", "--type", "MatchPresented")):
        lines = dlq(services, "list", *narrowing).stdout.splitlines()
        assert [line.split()[0] for line in lines] == ["letter", letter]
    listed = dlq(services, "list", "--since", "1h", "--limit", "1000").stdout
    assert letter in listed
    assert other in listed
    for nothing in (("--until", "1h"), ("--service", "matching"), ("--type", "NeedPosted"), ("--error", "%")):
        assert dlq(services, "list", "--error", mark, *nothing[-2:]).stdout.count(letter) == 0


async def test_show_tells_headers_cause_tries_and_body(services: Platform) -> None:
    event = presented()
    letter = await applicable(services, event)
    shown = dlq(services, "show", letter).stdout
    for part in (letter, "MatchPresented", event.key_text(), "LookupError", "none", "ce_id", '"need_id"'):
        assert part in shown


async def test_nothing_personal_is_shown(services: Platform) -> None:
    somebody = person("高艳玲")
    letter = await buried(services, message(somebody), "not a ContactShared", None)
    shown = dlq(services, "show", letter).stdout + dlq(services, "list", "--limit", "1000").stdout
    assert str(somebody.contact_id) in shown
    assert somebody.mail not in shown
    assert somebody.name not in shown


async def test_what_a_record_holds_gives_the_terminal_no_orders(services: Platform) -> None:
    letter = await unreadable(services, "\x1b]0;yours\x07")
    shown = dlq(services, "show", letter).stdout
    assert "\\x1b]0;yours" in shown
    assert "\x1b" not in shown


async def test_a_retried_letter_is_applied_once_and_that_is_audited(services: Platform) -> None:
    event = presented()
    letter = await applicable(services, event)
    result = dlq(services, "retry", letter, "--as", "eva")
    assert (result.returncode, result.stdout) == (0, "1 applied.\n")
    assert not await is_there(services, letter)
    assert await mails(services, event.match_id) == 2
    (row,) = await audited(services, letter)
    assert (row["action"], row["subject"], row["role"]) == ("dlq retry", "eva", "operator")
    assert event.key_text() in row["objects"]


async def test_letters_are_retried_by_what_they_are_about(services: Platform) -> None:
    events = [presented(), presented()]
    letters = [await applicable(services, event) for event in events]
    narrowed = ("--error", f"about {events[0].key_text()}", "--service", "notify", "--type", "MatchPresented")
    assert dlq(services, "retry", *narrowed).stdout == "1 applied.\n"
    assert [await is_there(services, letter) for letter in letters] == [False, True]


async def test_a_letter_that_fails_again_says_why_and_stays(services: Platform) -> None:
    good, bad = await applicable(services, presented()), await unreadable(services, "nonsense")
    result = dlq(services, "retry", good, bad)
    assert result.returncode == 1
    applied, failed = result.stdout.splitlines()
    assert applied == "1 applied."
    assert failed.startswith(f"{bad} failed again: not a MatchPresented: : json_invalid; next try: none")
    assert await is_there(services, bad)


async def test_an_older_version_changes_nothing_and_its_mails_are_queued(services: Platform) -> None:
    match = uuid4()
    newer = received(MatchPresented, match_id=match, version=5, score=0.9)
    older = received(MatchPresented, match_id=match, version=4, score=0.1)
    for event in (newer, older):
        assert dlq(services, "retry", await applicable(services, event)).returncode == 0
    async with superuser(services) as connection:
        held = await connection.fetchrow("select version, score from notify.match where match_id = $1", match)
    assert held is not None
    assert tuple(held) == (5, 0.9)
    assert await mails(services, match) == 4


async def test_what_a_stopped_service_put_aside_is_tried_when_it_is_back(services: Platform) -> None:
    event = presented()
    letter = await applicable(services, event)
    services.kill("notify")
    try:
        result = dlq(services, "retry", letter)
        assert result.returncode == 1
        assert result.stdout.startswith("notify does not run: it will try its letters when it is back.")
        assert await is_there(services, letter)
    finally:
        await services.restart("notify")

    async def applied() -> bool:
        return not await is_there(services, letter)

    assert await until(applied, 30)
    assert await mails(services, event.match_id) == 2


@asynccontextmanager
async def unwritable(platform: Platform, table: str) -> AsyncIterator[None]:
    """Nobody writes that table meanwhile; who would waits."""
    async with superuser(platform) as connection, connection.transaction():
        await connection.execute(f"lock table {table} in share mode")
        yield


@pytest.mark.parametrize("act", [("retry",), ("drop", "--yes", "--reason", "x")], ids=["retry", "drop"])
async def test_a_killed_command_has_done_all_or_nothing(services: Platform, act: tuple[str, ...]) -> None:
    event = presented()
    letter = await applicable(services, event)
    async with superuser(services) as onlooker, unwritable(services, "notify.audit_unsealed"):

        async def waits() -> bool:
            return bool(await onlooker.fetchval(COMMAND_WAITS))

        environment = os.environ | {"I2PCC_STATE": str(services.settings.state)}
        command = await asyncio.create_subprocess_exec(*COMMAND, "dlq", *act, letter, env=environment)
        assert await until(waits, 30)
        command.kill()
        await command.wait()

    async def is_gone() -> bool:
        async with superuser(services) as connection:
            return not await connection.fetchval(COMMAND_IS_THERE)

    assert await until(is_gone, 30)
    assert await is_there(services, letter)
    assert await audited(services, letter) == []
    assert await mails(services, event.match_id) == 0
    assert dlq(services, *act, letter).returncode == 0
    assert not await is_there(services, letter)


async def test_a_dropped_letter_is_gone_and_the_audit_log_has_its_place_and_why(services: Platform) -> None:
    event = presented()
    letter = await applicable(services, event)
    result = dlq(services, "drop", letter, "--yes", "--reason", "said twice", "--as", "eva")
    assert (result.returncode, result.stdout) == (0, "1 dropped.\n")
    assert not await is_there(services, letter)
    assert await mails(services, event.match_id) == 0
    shown = run("audit", "show", "--object", letter, I2PCC_STATE=str(services.settings.state)).stdout
    for part in ("eva", "dlq drop", "reason said twice", f"record {event.topic}/0@", event.key_text()):
        assert part in shown


async def test_where_nobody_can_be_asked_nothing_is_dropped_without_a_yes(services: Platform) -> None:
    letter = await applicable(services, presented())
    result = dlq(services, "drop", letter, "--reason", "x")
    assert (result.returncode, result.stderr.splitlines()[-1]) == (2, "Say it with --yes")
    assert await is_there(services, letter)


async def test_a_letter_that_is_not_there_is_told_before_anything_is_done(services: Platform) -> None:
    letter = await applicable(services, presented())
    result = dlq(services, "retry", letter, "notify/999999999")
    assert (result.returncode, result.stderr.splitlines()[0]) == (
        1,
        "There is no dead letter notify/999999999 that is like that.",
    )
    assert await audited(services, letter) == []


@pytest.mark.parametrize("act", [("retry",), ("drop", "--yes", "--reason", "x")], ids=["retry", "drop"])
async def test_what_is_meant_must_be_said(services: Platform, act: tuple[str, ...]) -> None:
    result = dlq(services, *act)
    assert (result.returncode, result.stderr.splitlines()[0]) == (2, "It was not said which dead letters.")


NOW = datetime(2026, 11, 29, 8, 30, tzinfo=UTC)


def test_moments_are_ago_or_dates() -> None:
    assert moment("2h", NOW) == NOW - timedelta(hours=2)
    assert moment("2026-11-29T08:30+00:00", NOW) == NOW
    assert moment("2026-11-29", NOW).tzinfo is not None


@pytest.mark.parametrize(
    ("ids", "narrowing"),
    [
        (["7"], {}),
        (["notify/x"], {}),
        (["portal/7"], {}),
        ([], {"service": "x"}),
        ([], {"since": "soon"}),
        ([], {"since": "999999d"}),
    ],
)
def test_what_nobody_can_mean_is_wrong_usage(ids: list[str], narrowing: dict[str, str]) -> None:
    nothing = dict.fromkeys(("service", "type", "error", "since", "until"))
    with pytest.raises(Problem) as problem:
        choice(ids, NOW, **nothing | narrowing)
    assert problem.value.code == 2
    assert problem.value.hint
