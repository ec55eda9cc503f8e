"""Of a person who was erased nothing is left: every table, every file of Kafka, every log and span is searched.

Outside are the mails that were delivered: the mailbox stands for the post office. Of PostgreSQL its tables are
searched, not its own files.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer
from aiokafka.record import MemoryRecords
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from deploy.embedded.platform import Platform
from deploy.manifest import ADMIN
from deploy.provision.admin import administering
from deploy.settings import SERVICES, Settings
from deploy.signin.client import SignIn
from deploy.waiting import until
from shared.events import ContactErased, ContactShared
from shared.kafka import client
from shared.vocabulary import Role
from tests.browser import Browser
from tests.collector import Collector
from tests.factories import someone
from tests.facts import received
from tests.shared.trial import message
from tests.tables import superuser
from tests.test_personal_data import introduced, marked
from tests.topics import published

TABLES = """
    select format('%I.%I', table_schema, table_name) from information_schema.tables
    where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')
"""
COMPACTED = {"segment.ms": "1000", "file.delete.delay.ms": "100"}
"""So that a segment is closed after a second, and what was compacted is off the disk at once; the rest as always."""
EAGER = {"log.cleaner.backoff.ms": "100"}
"""So that the broker looks for what it can compact all the time."""
ELSEWHERE = {"postgres", "mail"}
"""Folders that are not searched as files."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def told(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Browser, Collector]]:
    """An operator of a platform that forgets within seconds, and what its services say of themselves."""
    platform, collector = Platform(Settings.for_tests(tmp_path_factory.mktemp("erasure") / "state")), Collector()
    with collector.listen() as endpoint, pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        environment.setenv("I2PCC_CONTACTS_MARKER_SECONDS", "2")
        await platform.start()
        try:
            await asyncio.to_thread(hasten, platform)
            await fill(platform)
            async with httpx.AsyncClient(timeout=30) as http:
                yield Browser(http, platform, someone(Role.OPERATOR), SignIn(platform.settings.issuer, http)), collector
        finally:
            await platform.stop()


def hasten(platform: Platform) -> None:
    """Let Kafka compact what it can within seconds, not hours."""
    resources = [
        ConfigResource(
            kind,
            name,
            incremental_configs=[
                ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET) for key, value in wanted.items()
            ],
        )
        for kind, name, wanted in (
            (ResourceType.TOPIC, ContactErased.topic, COMPACTED),
            (ResourceType.BROKER, "1", EAGER),
        )
    ]
    with administering(platform.kafka(ADMIN)) as admin:
        for changed in admin.incremental_alter_configs(resources).values():
            changed.result()


async def fill(platform: Platform) -> None:
    """Have many people there already, compacted: one more is then far less than a hundredth of the topic."""
    checkpoint = platform.settings.state / "kafka" / "data" / "cleaner-offset-checkpoint"
    topic = ContactShared.topic

    async def say(producer: AIOKafkaProducer, organisation: str) -> None:
        for partition in range(platform.manifest.topic(topic).partitions):
            told = message(received(ContactShared, contact_id=uuid4(), organisation=organisation))
            await producer.send_and_wait(topic, told.value, told.key, partition, headers=list(told.headers))

    async with AIOKafkaProducer(**client(platform.kafka(ADMIN)), acks="all") as producer:
        for _ in range(50):
            await say(producer, "x" * 10_000)

        async def cleaned() -> bool:
            await say(producer, "x")
            lines = [line.split() for line in checkpoint.read_text().splitlines()] if checkpoint.exists() else []
            offsets = [int(line[2]) for line in lines if line[0] == topic]
            return len(offsets) == 3 and min(offsets) >= 50

        assert await until(cleaned, 60, 0.3)


async def rows(platform: Platform) -> AsyncIterator[tuple[str, bytes]]:
    """Every value of every row, by its table; bytes as they are."""
    async with superuser(platform) as connection:
        for table in [row[0] for row in await connection.fetch(TABLES)]:
            for (row,) in await connection.fetch(f"select to_jsonb(t)::text from {table} t"):
                for value in json.loads(row).values():
                    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                    yield table, bytes.fromhex(text[2:]) if text.startswith("\\x") else text.encode()


def files(state: Path) -> Iterator[tuple[str, bytes]]:
    """Every file, by its name; those of Kafka by their topic, and once more as the records in them."""
    within = (each for each in state.rglob("*") if each.relative_to(state).parts[0] not in ELSEWHERE)
    for file in (each for each in within if each.is_file()):
        with suppress(FileNotFoundError):
            content = file.read_bytes()
            if ".log" in file.name and file.is_relative_to(state / "kafka"):
                topic = file.parent.name.rpartition("-")[0]
                yield from ((topic, part) for part in (content, *records(content)))
            else:
                yield file.name, content


def records(segment: bytes) -> Iterator[bytes]:
    """All that is in the records of a segment, whatever they were compressed by."""
    batches = MemoryRecords(segment)
    while batches.has_next():
        for record in batches.next_batch():
            yield from (record.key or b"", record.value or b"")
            yield from (value or b"" for _, value in record.headers)


async def everything(operator: Browser, collector: Collector) -> AsyncIterator[tuple[str, bytes]]:
    """All that is stored, logged and told, by its place."""
    async for place, content in rows(operator.platform):
        yield place, content
    for place, content in files(operator.platform.settings.state):
        yield place, content
    for text in collector.texts:
        yield "spans", text.encode()


async def holders(operator: Browser, collector: Collector, *marks: str) -> set[str]:
    """Every place that holds one of these."""
    wanted = [mark.encode() for mark in marks]
    return {
        place async for place, content in everything(operator, collector) if any(mark in content for mark in wanted)
    }


async def test_of_an_erased_person_nothing_is_left_but_ids(told: tuple[Browser, Collector]) -> None:
    operator, collector = told
    platform, topic = operator.platform, ContactErased.topic
    bodies, pairs = zip(marked(), marked(), strict=True)
    marks = [mark for pair in pairs for mark in pair]
    contacts = await introduced(operator, list(bodies))
    await published(platform, topic)
    for service, pair in zip(("intake", "regions"), pairs, strict=True):
        assert await holders(operator, collector, *pair) == {f"{service}.contact", "notify.contact", topic}
    searched = {place async for place, _ in everything(operator, collector)}
    assert {"spans", "kafka.log", *(f"{service}.log" for service in SERVICES)} <= searched

    for service, (contact_id, browser) in zip(("intake", "regions"), contacts.items(), strict=True):
        await browser.done(service, f"/v1/contacts/{contact_id}/erase")

    async def forgotten() -> bool:
        return await holders(operator, collector, *marks) == set()

    assert await until(forgotten, 60, 0.5), await holders(operator, collector, *marks)
    assert {"spans", "intake.audit", "regions.audit", topic} <= await holders(operator, collector, *contacts)
