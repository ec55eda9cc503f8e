"""A platform that is backed up while it works, erases people afterwards, and is lost; what is known of it."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from confluent_kafka import TopicPartition as Partition

from deploy.backup.groups import positions
from deploy.backup.moment import ends_of
from deploy.backup.restore import Restored
from deploy.backup.take import take
from deploy.embedded.platform import Platform
from deploy.embedded.steps import Steps
from deploy.manifest import ADMIN
from deploy.people import Person
from deploy.provision.admin import administering
from deploy.settings import SERVICES, Settings
from deploy.signin.client import SignIn
from deploy.waiting import until
from shared.events import ContactShared
from shared.kafka import client
from shared.service import Service
from shared.vocabulary import Role
from tests.browser import Browser, registered_company
from tests.factories import contact_body, proposal_body, proposal_revision, someone
from tests.tables import superuser
from tests.test_erasure import rows
from tests.test_personal_data import introduced, marked
from tests.topics import published, records_on

PARTNER, REGION = "partner-hebei", "i2pcc.matches.hebei.v1"
UNREAD = "i2pcc.missions.v1"
WRITERS = 6
"""Callers who revise a proposal each, one command after the other."""
WAITS = """
    insert into intake.outbox (event_id, type, topic, key, value, parked_until)
    values ($1, 'ProposalSubmitted', 'i2pcc.proposals.v1', $2, $3, now() + interval '1 day')
"""
LETTER = """
    insert into notify.dead_letter (topic, partition, "offset", headers, cause) values ($1, $2, $3, '[]', 'a test')
"""


@dataclass
class Lost:
    """What was known of the platform when it was backed up, and what came back."""

    erased: list[str] = field(default_factory=list)
    """The ids of people who were erased after the backup."""
    marks: list[str] = field(default_factory=list)
    """What of them nobody may hold any more."""
    kept: list[str] = field(default_factory=list)
    """The ids of people who were not."""
    sent: set[str] = field(default_factory=set)
    """The Message-IDs of what had been sent."""
    acknowledged: dict[str, int] = field(default_factory=dict)
    """By proposal, the version that the last answer named before the platform was lost."""
    before: dict[str, int] = field(default_factory=dict)
    """The same when the backup began."""
    unread: bytes = b""
    """The value that the partner had not read yet, the last of its partition."""
    partition: int = 0
    odd: list[ConsumerRecord] = field(default_factory=list)
    """The records of a topic that no service reads."""
    sent_not_deleted: str = ""
    """The event id of an outbox row whose event is on its topic."""
    not_sent: str = ""
    """Of one whose event is not."""
    command: tuple[Person, str, dict[str, Any], dict[str, Any]] | None = None
    """Who sent a command, its key and body, and the answer."""
    secrets: set[str] = field(default_factory=set)
    """Passwords of the platform that was lost."""
    restored: Restored | None = None
    holders: set[str] = field(default_factory=set)
    """Tables and topics that hold one of the marks before any service has started again."""
    letters: list[bytes | None] = field(default_factory=list)
    """The keys of the records that the dead letters name."""


@asynccontextmanager
async def running(folder: Path, at_rest: Callable[[Platform], Awaitable[None]] | None = None) -> AsyncIterator[Browser]:
    """A platform, and its operator in front of it. `at_rest` looks at it while only its servers run."""
    platform = Platform(Settings.for_tests(folder))
    try:
        if at_rest:
            await platform.start(services=False)
            await at_rest(platform)
        await platform.start()
        async with httpx.AsyncClient(timeout=30) as http:
            yield Browser(http, platform, someone(Role.OPERATOR), SignIn(platform.settings.issuer, http))
    finally:
        await platform.stop()


async def lose(operator: Browser, backup: Path) -> Lost:
    """Play people, back up while they go on, and erase two of them."""
    lost, platform = Lost(), operator.platform
    lost.secrets = {*platform.secrets.passwords.values(), *platform.secrets.kafka_passwords.values()}
    bodies, pairs = zip(marked(), marked(), strict=True)
    contacts = await introduced(operator, list(bodies))
    lost.marks, lost.erased = [mark for pair in pairs for mark in pair], list(contacts)
    lost.kept = list(await introduced(operator, [contact_body(), contact_body()]))
    for topic in platform.manifest.topics:
        await published(platform, topic.name)
    await read_some(platform, lost)
    lost.odd = await say_oddly(platform)
    author, contact = await registered_company(operator)
    key, body = str(uuid4()), proposal_body(contact)
    lost.command = (author.person, key, body, await author.done("intake", "/v1/proposals", body, key=key))
    lost.sent = {mail["message_id"] for mail in await mails(operator)}
    await leave_half(platform, lost)
    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(WRITERS):
            group.create_task(write(author, contact, lost, over))
        group.create_task(back_up(platform, backup, lost, over))
    for service, (contact_id, browser) in zip(("intake", "regions"), contacts.items(), strict=True):
        await browser.done(service, f"/v1/contacts/{contact_id}/erase")
    return lost


async def back_up(platform: Platform, backup: Path, lost: Lost, over: asyncio.Event) -> None:
    """Make the backup in the middle of the load."""

    async def loaded() -> bool:
        return len(lost.acknowledged) == WRITERS and min(lost.acknowledged.values()) >= 3

    try:
        assert await until(loaded, 60)
        lost.before = dict(lost.acknowledged)
        await take(platform, backup, Steps())
    finally:
        over.set()


async def write(author: Browser, contact: str, lost: Lost, over: asyncio.Event) -> None:
    """Submit a proposal and revise it again and again."""
    body = proposal_body(contact)
    answer = await author.done("intake", "/v1/proposals", body)
    path = f"/v1/proposals/{answer['proposal_id']}"
    while not over.is_set():
        answer = await author.done("intake", path, proposal_revision(body, answer["version"]), method="PUT")
        lost.acknowledged[answer["proposal_id"]] = answer["version"]


async def read_some(platform: Platform, lost: Lost) -> None:
    """Have a partner read all but the last record of a partition whose first record retention has taken."""
    records = await records_on(platform, [REGION])
    partition, _ = Counter(record.partition for record in records).most_common(1)[0]
    mine = [record for record in records if record.partition == partition]
    assert len(mine) >= 3
    with administering(platform.kafka(ADMIN)) as admin:
        for done in admin.delete_records([Partition(REGION, partition, mine[1].offset)]).values():
            done.result()
    place, group = TopicPartition(REGION, partition), f"{PARTNER}-app"
    async with AIOKafkaConsumer(**client(platform.kafka(PARTNER)), group_id=group) as consumer:
        consumer.assign([place])
        await consumer.commit({place: mine[-1].offset})
    lost.unread, lost.partition = mine[-1].value, partition


async def say_oddly(platform: Platform) -> list[ConsumerRecord]:
    """Records with and without key, value and headers, of another time, of any bytes; and as they are read."""
    an_hour_ago = int(time.time() * 1_000) - 3_600_000
    async with AIOKafkaProducer(**client(platform.kafka(ADMIN)), acks="all") as producer:
        for key, value, headers in (
            (b"key", None, [("ce_type", b"Nothing")]),
            (None, b"", [("empty", b""), ("null", None), ("twice", b"1"), ("twice", b"2")]),
            (b"\xff\x00", b"{\xfe", []),
        ):
            await producer.send_and_wait(UNREAD, value, key, 1, timestamp_ms=an_hour_ago, headers=headers)
    return await records_on(platform, [UNREAD])


async def leave_half(platform: Platform, lost: Lost) -> None:
    """A relay that has sent a row and not deleted it, a row that was not sent, and the letter of a personal record."""
    (record, *_) = await records_on(platform, ["i2pcc.proposals.v1"])
    (shared, *_) = [
        record for record in await records_on(platform, [ContactShared.topic]) if record.key == lost.kept[0].encode()
    ]
    lost.sent_not_deleted, lost.not_sent = dict(record.headers)["ce_id"].decode(), str(uuid4())
    async with superuser(platform) as connection:
        for event_id in (lost.sent_not_deleted, lost.not_sent):
            await connection.execute(WAITS, event_id, record.key.decode(), record.value)
        await connection.execute(LETTER, shared.topic, shared.partition, shared.offset)


async def look(platform: Platform, lost: Lost) -> None:
    """What there is before any service has started; then the row that was set aside may go out."""
    marks = [mark.encode() for mark in lost.marks]
    async for table, content in rows(platform):
        if any(mark in content for mark in marks):
            lost.holders.add(table)
    found = await records_on(platform, [topic.name for topic in platform.manifest.topics])
    lost.holders |= {record.topic for record in found if any(mark in (record.value or b"") for mark in marks)}
    places = {(record.topic, record.partition, record.offset): record.key for record in found}
    async with superuser(platform) as connection:
        letters = await connection.fetch('select topic, partition, "offset" from notify.dead_letter')
        lost.letters = [places.get(tuple(letter)) for letter in letters]
        await connection.execute("update intake.outbox set parked_until = null")


async def mails(operator: Browser) -> list[dict[str, Any]]:
    """All that went out."""
    found: list[dict[str, Any]] = (await operator.http.get(f"{operator.platform.urls['mailbox']}/messages")).json()
    return found


async def settle(platform: Platform) -> None:
    """Wait until nothing is left to publish, to read or to mail."""
    for topic in platform.manifest.topics:
        await published(platform, topic.name)
    queued = "select exists (select from notify.delivery where state = 'queued' and next_try <= now())"

    async def quiet() -> bool:
        async with superuser(platform) as connection:
            return not await connection.fetchval(queued) and not await lag(platform)

    assert await until(quiet, 60, 0.2)


async def lag(platform: Platform) -> int:
    """Records that a service has not read yet."""
    topics = {name: set(handlers.topics) for name in SERVICES if (handlers := _service(name).handlers)}
    places = [
        (topic.name, partition)
        for topic in platform.manifest.topics
        for partition in range(topic.partitions)
        if any(topic.name in wanted for wanted in topics.values())
    ]

    def waiting() -> int:
        with administering(platform.kafka(ADMIN)) as admin:
            found = positions(admin, {name for name, _ in places})
            read = {(each.group, each.topic, each.partition): each.offset for each in found}
            ends = ends_of(admin, places)
        return sum(
            end - read.get((service, *place), 0)
            for service, wanted in topics.items()
            for place, end in ends.items()
            if place[0] in wanted
        )

    return await asyncio.to_thread(waiting)


def _service(name: str) -> Service:
    made: Service = getattr(import_module(f"services.{name}.app"), name)
    return made
