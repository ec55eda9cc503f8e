"""A platform that was backed up under load, and lost, goes on elsewhere: nothing twice or missing, nobody back."""

import asyncio
import gzip
import json
import os
import subprocess
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import orjson
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.audit import check
from deploy.backup import contents
from deploy.backup.restore import restore
from deploy.backup.take import take
from deploy.backup.writing import Places
from deploy.embedded import state
from deploy.embedded.platform import Platform
from deploy.embedded.postgres import binary
from deploy.embedded.steps import Progress, Steps
from deploy.problems import Problem
from deploy.settings import Settings
from shared.kafka import client
from tests.browser import Browser
from tests.deploy.lost import PARTNER, REGION, UNREAD, Lost, look, lose, mails, running, settle
from tests.deploy.test_cli import run
from tests.factories import proposal_revision
from tests.tables import superuser
from tests.topics import records_on

OWNED = {
    "i2pcc.companies.v1": ("intake.company", "company_id", ("matching.company", "notify.company")),
    "i2pcc.proposals.v1": ("intake.proposal", "proposal_id", ("matching.proposal", "notify.proposal")),
    "i2pcc.needs.v1": ("regions.need", "need_id", ("matching.need", "notify.need")),
    "i2pcc.matches.v1": ("matching.match", "match_id", ("notify.match",)),
}
"""By topic, the table whose rows it tells of, their key, and the tables that keep a copy."""


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the backup is."""
    return tmp_path_factory.mktemp("backups") / "monday"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lost(backup: Path, tmp_path_factory: pytest.TempPathFactory) -> Lost:
    """What was known of the platform that was lost."""
    async with running(tmp_path_factory.mktemp("before") / "state") as operator:
        return await lose(operator, backup)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def back(lost: Lost, backup: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """The operator in front of what came back, once it has settled."""
    folder = tmp_path_factory.mktemp("after") / "state"
    state.prepare(folder)
    for left in (state.RESTORING, "left by a restore that was killed"):
        (folder / left).touch()
    lost.restored = await restore(Platform(Settings.for_tests(folder)), backup, None, Steps())
    async with running(folder, partial(look, lost=lost)) as operator:
        await settle(operator.platform)
        yield operator


async def test_every_aggregates_versions_are_on_its_topic_once_and_known_everywhere(back: Browser, lost: Lost) -> None:
    platform = back.platform
    async with superuser(platform) as connection:
        for topic, (owner, key, copies) in OWNED.items():
            told: dict[str, list[int]] = defaultdict(list)
            for record in await records_on(platform, [topic]):
                if dict(record.headers)["ce_id"].decode() != lost.not_sent:
                    told[record.key.decode()].append(orjson.loads(record.value)["version"])
            owned, *copied = [
                {str(row[0]): row[1] for row in await connection.fetch(f"select {key}, version from {table}")}
                for table in (owner, *copies)
            ]
            assert told
            assert told == {key: list(range(1, version + 1)) for key, version in owned.items()}
            assert all(copy == owned for copy in copied), topic


async def test_a_record_comes_back_as_it_was(back: Browser, lost: Lost) -> None:
    assert len(lost.odd) == 3
    assert await records_on(back.platform, [UNREAD]) == lost.odd


async def test_the_backup_is_of_a_moment_in_the_middle_of_the_load(back: Browser, lost: Lost) -> None:
    async with superuser(back.platform) as connection:
        rows = await connection.fetch("select proposal_id::text, version from intake.proposal")
    versions = dict(map(tuple, rows))
    for proposal, last in lost.acknowledged.items():
        assert lost.before[proposal] <= versions[proposal] < last


async def test_no_mail_goes_out_twice(back: Browser, lost: Lost) -> None:
    after = [mail["message_id"] for mail in await mails(back)]
    assert lost.sent
    assert not lost.sent & set(after)
    assert len(after) == len(set(after))


async def test_what_a_relay_had_sent_is_not_sent_again_and_what_it_had_not_is_sent(back: Browser, lost: Lost) -> None:
    events = [dict(each.headers)["ce_id"].decode() for each in await records_on(back.platform, ["i2pcc.proposals.v1"])]
    assert [events.count(event) for event in (lost.sent_not_deleted, lost.not_sent)] == [1, 1]


async def test_a_partner_goes_on_at_the_record_that_it_had_not_read(back: Browser, lost: Lost) -> None:
    kafka = client(back.platform.kafka(PARTNER))
    async with AIOKafkaConsumer(**kafka, group_id=f"{PARTNER}-app", auto_offset_reset="none") as consumer:
        consumer.assign([TopicPartition(REGION, lost.partition)])
        found = await asyncio.wait_for(consumer.getone(), 30)
    assert found.value == lost.unread


async def test_a_dead_letter_still_names_its_record(back: Browser, lost: Lost) -> None:
    assert lost.letters == [lost.kept[0].encode()]


async def test_who_was_erased_after_the_backup_is_erased_before_anything_is_served(
    back: Browser, lost: Lost, backup: Path
) -> None:
    assert lost.holders == set()
    assert lost.restored
    assert lost.restored.erased == len(lost.erased)
    async with superuser(back.platform) as connection:
        known = {str(row[0]): row[1] for row in await connection.fetch("select contact_id, erased from notify.contact")}
        noted = "select count(*) from {}.audit where action = 'erase again' and objects::text like '%' || $1 || '%'"
        for service, contact_id in zip(("intake", "regions"), lost.erased, strict=True):
            assert await connection.fetchval(noted.format(service), contact_id) == 1
    assert [known[contact_id] for contact_id in (*lost.erased, *lost.kept)] == [True, True, False, False]
    assert set(lost.erased) == {
        json.loads(line)["contact_id"]
        for line in (back.platform.ledgers / "own.jsonl").read_text().splitlines()
        if line
    }


async def test_a_restore_that_was_killed_is_begun_anew(back: Browser) -> None:
    assert not {state.RESTORING, "left by a restore that was killed"} & set(os.listdir(back.platform.settings.state))


async def test_the_audit_log_is_whole(back: Browser) -> None:
    assert await check(back.platform)


async def test_people_go_on(back: Browser, lost: Lost) -> None:
    assert lost.command
    person, key, body, answer = lost.command
    author = back.of(person)
    assert await author.done("intake", "/v1/proposals", body, key=key) == answer
    path = f"/v1/proposals/{answer['proposal_id']}"
    revised = await author.done("intake", path, proposal_revision(body, answer["version"]), method="PUT")
    assert revised["version"] == answer["version"] + 1


def test_only_its_owner_reads_a_backup(lost: Lost, backup: Path) -> None:
    modes = {file.stat().st_mode & 0o777 for file in backup.rglob("*") if file.is_file()}
    assert (modes, backup.stat().st_mode & 0o777) == ({0o600}, 0o700)


def test_no_password_is_in_a_backup(lost: Lost, backup: Path) -> None:
    command = (binary("pg_restore"), "--file=-", str(backup / contents.DATABASE))
    told = subprocess.run(command, capture_output=True, check=True).stdout
    told += b"".join(gzip.decompress(file.read_bytes()) for file in (backup / contents.TOPICS).iterdir())
    assert lost.erased[0].encode() in told
    assert not [secret for secret in lost.secrets if secret.encode() in told]


async def test_what_is_damaged_or_misses_its_ledger_is_refused_before_anything_is_made(
    lost: Lost, backup: Path, tmp_path: Path
) -> None:
    platform = Platform(Settings.for_tests(tmp_path / "state"))
    ledger = backup.with_name("erasures.jsonl")
    ledger.rename(tmp_path / "erasures.jsonl")
    with pytest.raises(Problem, match="it is not known who was erased"):
        await restore(platform, backup, None, Steps())
    (tmp_path / "erasures.jsonl").rename(ledger)
    file = contents.topic_file(backup, "i2pcc.needs.v1")
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(Problem, match=r"i2pcc\.needs\.v1\.jsonl\.gz is not as it was written"):
        await restore(platform, backup, None, Steps())
    file.unlink()
    with pytest.raises(Problem, match=r"i2pcc\.needs\.v1\.jsonl\.gz is missing"):
        await restore(platform, backup, None, Steps())
    file.write_bytes(whole)
    assert not platform.settings.state.exists()


async def test_what_is_newer_than_this_version_is_refused(lost: Lost, backup: Path) -> None:
    kept = contents.read(backup)
    newer = kept.model_copy(update={"schemas": kept.schemas | {"intake": "i9999"}})
    with pytest.raises(Problem, match="no place for: intake"):
        contents.check_fits(newer, Platform(Settings()).manifest)


async def test_a_platform_is_never_restored_over(lost: Lost, backup: Path, tmp_path: Path) -> None:
    platform = Platform(Settings.for_tests(tmp_path / "state"))
    state.prepare(platform.settings.state)
    with pytest.raises(Problem, match="holds a platform already"):
        await restore(platform, backup, None, Steps())


async def test_a_restore_that_fails_leaves_nothing(
    platform: Platform, lost: Lost, backup: Path, tmp_path: Path
) -> None:
    taken = Settings.for_tests(tmp_path / "state").model_copy(update={"kafka_port": platform.settings.kafka_port})
    with pytest.raises(Problem, match="is taken by"):
        await restore(Platform(taken), backup, None, Steps())
    assert os.listdir(tmp_path) == []


async def test_half_a_restore_is_not_served(tmp_path: Path) -> None:
    platform = Platform(Settings.for_tests(tmp_path / "state"))
    state.prepare(platform.settings.state)
    (platform.settings.state / state.RESTORING).touch()
    with pytest.raises(Problem, match="holds half of a backup"):
        await platform.start()


def test_a_records_offset_is_its_place_among_those_that_are_there() -> None:
    places = Places()
    places.had["topic", 0].extend([3, 4, 9])
    assert [places.position(("topic", 0), had) for had in (0, 3, 4, 5, 9, 10)] == [0, 0, 1, 2, 2, 3]
    assert [places.offset(("topic", 0), had) for had in (0, 3, 5, 9, 10)] == [None, 0, None, 2, None]
    assert (places.position(("topic", 1), 7), places.offset(("topic", 1), 7)) == (0, None)


@pytest.mark.parametrize("step", ["Database", "Topics"])
async def test_a_backup_that_is_cut_short_leaves_nothing(platform: Platform, tmp_path: Path, step: str) -> None:
    class Stopped(Steps):
        """As when Ctrl-C comes in this step."""

        def step(self, title: str) -> AbstractContextManager[Progress]:
            if title == step:
                raise asyncio.CancelledError
            return super().step(title)

    with pytest.raises(asyncio.CancelledError):
        await take(platform, tmp_path / "backup", Stopped())
    assert os.listdir(tmp_path) == []


async def test_a_folder_that_holds_something_is_left_alone(platform: Platform, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    result = run("backup", str(tmp_path), I2PCC_STATE=str(platform.settings.state))
    assert (result.returncode, result.stderr.splitlines()[0]) == (2, f"{tmp_path} is there already, and not empty.")
    assert os.listdir(tmp_path) == ["thesis.txt"]


def test_where_nothing_runs_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    result = run("backup", str(tmp_path / "backup"), I2PCC_STATE=str(tmp_path / "state"))
    assert (result.returncode, result.stderr.splitlines()[-1]) == (1, "Run: i2pcc up")
    assert not (tmp_path / "backup").exists()
