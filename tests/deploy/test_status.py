"""`i2pcc status` tells what runs, what waits and what goes through, also when parts are down."""

import asyncio
import io
import os
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from rich.console import Console

from deploy.embedded.platform import Platform
from deploy.manifest import ADMIN
from deploy.provision.admin import administering
from deploy.settings import SERVICES
from deploy.status.groups import groups, lag_of
from deploy.status.look import Lookout, Status
from deploy.status.scrapes import Rates, Scrape, rates
from deploy.status.screen import shown
from deploy.status.tables import Waiting, waiting
from deploy.waiting import abandonable, until
from tests.browser import Browser
from tests.deploy.test_cli import COMMAND, run
from tests.factories import company_person, contact_body
from tests.tables import superuser

READERS = ["regions", "matching", "notify"]
CONTACTS = "i2pcc.contacts.v1"


def parts_of(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The parts by name."""
    return {part["name"]: part for part in found["parts"]}


def test_when_all_runs_all_is_told(services: Platform, tmp_path: Path) -> None:
    file = tmp_path / "status.json"
    result = run("status", "--json", str(file), I2PCC_STATE=str(services.settings.state))
    assert result.returncode == 0, result.stdout + result.stderr
    found = orjson.loads(file.read_bytes())
    assert found["ready"] is True
    assert found["missing"] == []
    assert list(parts_of(found)) == services.parts
    assert all(part["ready"] and part["memory_mb"] > 0 for part in found["parts"])
    assert all(found["rates"][name]["requests"] >= 0 for name in SERVICES)
    assert all(found["waiting"][name]["due"] >= 0 for name in SERVICES)
    assert {group["name"]: group["members"] > 0 for group in found["groups"]} == dict.fromkeys(READERS, True)
    assert CONTACTS in next(group["lag"] for group in found["groups"] if group["name"] == "notify")
    assert "i2pcc up" not in result.stdout


async def test_a_partition_that_a_group_has_said_nothing_of_counts_whole(services: Platform, operator: Browser) -> None:
    browser = operator.of(company_person())
    await browser.done("intake", "/v1/contacts", contact_body())

    def behind(*committed: int) -> int:
        """Of a new group that has said of these partitions that it is at their beginning."""
        group = f"trial_{uuid4()}"
        with administering(services.kafka(ADMIN)) as admin:
            if places := [TopicPartition(CONTACTS, partition, 0) for partition in committed]:
                (said,) = admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, places)]).values()
                said.result()
            return lag_of(admin, group, [CONTACTS])[CONTACTS]

    async def published() -> bool:
        return await asyncio.to_thread(behind) > 0

    assert await until(published, 30)
    partitions = range(services.manifest.topic(CONTACTS).partitions)
    assert {await asyncio.to_thread(behind, partition) for partition in partitions} == {await asyncio.to_thread(behind)}


async def test_what_is_down_is_named_and_the_rest_is_told(
    services: Platform, operator: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "status.json"
    services.processes.stop("notify")
    try:
        browser = operator.of(company_person())
        await browser.done("intake", "/v1/contacts", contact_body())

        async def is_behind() -> bool:
            (group,) = await abandonable(groups, services.kafka(ADMIN), {"notify": [CONTACTS]})
            return group.members == 0 and group.lag[CONTACTS] > 0

        assert await until(is_behind, 60)
        result = run("status", "--json", str(file), I2PCC_STATE=str(services.settings.state))
        assert result.returncode == 1
        assert "not running" in result.stdout
        assert "Start what is missing with: i2pcc up" in result.stdout
        found = orjson.loads(file.read_bytes())
        assert [name for name, part in parts_of(found).items() if not part["ready"]] == ["notify"]
        assert found["rates"]["notify"] is None
        assert found["rates"]["intake"]
        assert found["waiting"]["notify"], "its rows wait, whether it runs or not"
    finally:
        await services.restart("notify")


async def test_without_kafka_the_rest_is_told(services: Platform) -> None:
    services.kill("kafka")
    try:
        async with httpx.AsyncClient(trust_env=False) as http:
            found = await Lookout(services, http).look()
        assert {part.name: part.ready for part in found.parts}["kafka"] is False
        assert found.groups == []
        assert all(found.waiting.values())
    finally:
        await services.restart("kafka")


async def test_dead_letters_are_told_by_topic_and_by_who_is_to_act(platform: Platform) -> None:
    topic = f"trial.{uuid4().hex}"
    insert = (
        'insert into notify.dead_letter (topic, partition, "offset", headers, cause, next_try) values '
        "($1, 0, 0, '[]', 'a bug', now() + interval '1 day'), ($1, 0, 1, '[]', 'unreadable', null)"
    )
    async with superuser(platform) as connection:
        await connection.execute(insert, topic)
        found = await waiting(platform.database_url("i2pcc_notify"))
        await connection.execute("delete from notify.dead_letter where topic = $1", topic)
    assert found
    assert (found.retrying[topic], found.left[topic]) == (1, 1)


def test_rates_are_what_came_between_two_looks_at_one_process() -> None:
    before = Scrape(10.0, 1.0, Counter(requests=100, failures=1, seconds=5, published=7))
    after = Scrape(12.0, 1.0, Counter(requests=140, failures=3, seconds=6, published=7, applied=10))
    assert rates(before, after) == Rates(requests=20, failures=1, milliseconds=25, published=0, applied=5)
    assert rates(before, Scrape(12.0, 1.0, before.counts)) == Rates(0, 0, None, 0, 0)
    assert rates(before, Scrape(12.0, 2.0, after.counts)) is None
    assert rates(None, after) is None


def test_what_needs_somebody_stands_out_on_the_screen() -> None:
    console = Console(width=200, record=True, file=io.StringIO())
    busy = Waiting(due=3, later=2, parked=1, oldest_seconds=75, retrying={"t": 4}, left={"u": 5})
    found = Status([], dict.fromkeys(SERVICES), dict.fromkeys(SERVICES) | {"notify": busy}, [], ["No word of Kafka."])
    console.print(shown(found))
    text = console.export_text()
    (row,) = [line for line in text.splitlines() if line.startswith("notify ") and "parked" in line]
    assert "3, 2 later, 1 parked" in row
    assert "0:01:15" in row
    assert "4 tried again, 5 left" in row
    assert "notify left to an operator: u 5" in text
    assert "No word of Kafka." in text


async def test_watching_looks_again_until_ctrl_c(services: Platform, tmp_path: Path) -> None:
    file = tmp_path / "status.json"
    process = await asyncio.create_subprocess_exec(
        *(*COMMAND, "status", "--watch", "--json", str(file)),
        env=os.environ | {"I2PCC_STATE": str(services.settings.state)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    looks: set[int] = set()

    async def has_looked_twice() -> bool:
        if file.exists():
            looks.add(file.stat().st_mtime_ns)
        return len(looks) > 1 or process.returncode is not None

    assert await until(has_looked_twice, 60)
    process.send_signal(signal.SIGINT)
    output, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")
    assert b"Ctrl-C ends it." in output
    assert orjson.loads(file.read_bytes())["rates"]["intake"] is not None
