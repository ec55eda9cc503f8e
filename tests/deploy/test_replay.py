"""i2pcc replay: copies are afterwards what the topics say, whatever they were, and nothing is done or said twice."""

import asyncio
import importlib
import os
import subprocess
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from sqlalchemy import text

from deploy.embedded.platform import Platform
from deploy.manifest import ADMIN
from deploy.running import tables
from deploy.settings import SERVICES
from deploy.waiting import until
from services.notify.occasions import next_due
from shared.bus import Handlers
from shared.kafka import client
from tests.browser import Browser, region_with_contact
from tests.deploy.test_cli import COMMAND, run
from tests.factories import contact_body, need_body
from tests.tables import superuser
from tests.topics import published
from tests.world import World

COPYING = ("regions", "matching", "notify")
OTHERS = ("outbox", "idempotency", "audit", "audit_unsealed", "audit_seal", "alembic_version", "embedding")
TABLES = "select table_name from information_schema.tables where table_schema = $1 and table_name <> all($2)"
WORK = " union all ".join(
    [
        *(f"select 1 from {name}.outbox where not_before is null" for name in SERVICES),
        "select 1 from matching.to_match",
        # Some mails wait half a minute for what may come after them, and are sent, or are not, then.
        "select 1 from notify.delivery where state = 'queued' and tries = 0 and not held and next_try > now()",
    ]
)
WAITS = "select exists (select from pg_stat_activity where application_name = 'replay' and wait_event_type = 'Lock')"
SUGGESTIONS = "i2pcc.suggestions.v1"

Rows = dict[str, list[str]]


def replay(platform: Platform, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run("replay", *arguments, I2PCC_STATE=str(platform.settings.state))


def copies(service: str) -> dict[str, str]:
    """The tables that a service's projections keep, and their keys."""
    handlers: Handlers = importlib.import_module(f"services.{service}.handlers").events
    tables: Any = [model.__table__ for model in handlers.copies]  # type: ignore[attr-defined]
    return {table.name: table.primary_key.columns.keys()[0] for table in tables}


async def held(platform: Platform, service: str) -> Rows:
    """All rows of a service, but for those that the passing of time changes."""
    async with superuser(platform) as connection:
        names = [name for (name,) in await connection.fetch(TABLES, service, OTHERS)]
        whole = {name: "each::text" for name in names} | {"delivery": "(delivery_id, state)::text"}
        return {
            name: sorted([row for (row,) in await connection.fetch(f"select {whole[name]} from {service}.{name} each")])
            for name in names
        }


MEANWHILE = 25
"""Needs that are posted while copies are made anew: each is embedded afterwards."""


async def ends(platform: Platform) -> dict[TopicPartition, int]:
    """How far each topic goes."""
    topics = [topic.name for topic in platform.manifest.topics]
    async with AIOKafkaConsumer(*topics, **client(platform.kafka(ADMIN))) as consumer:
        found: dict[TopicPartition, int] = await consumer.end_offsets(consumer.assignment())
        return found


async def quiet(platform: Platform) -> dict[TopicPartition, int]:
    """Wait until everybody has read and done everything; how far each topic goes then."""
    admin = AIOKafkaAdminClient(**client(platform.kafka(ADMIN)))
    await admin.start()
    now: dict[TopicPartition, int] = {}

    async def is_quiet() -> bool:
        now.update(await ends(platform))
        async with superuser(platform) as connection:
            if await connection.fetchval(f"select exists ({WORK})"):
                return False
        for service in COPYING:
            for place, at in (await admin.list_consumer_group_offsets(service)).items():
                if at.offset < now.get(place, 0):
                    return False
        return not await is_mailing(platform) and now == await ends(platform)

    assert await until(is_quiet, 120, 0.5)
    await admin.close()
    return now


async def is_mailing(platform: Platform) -> bool:
    """Whether a mail is being sent, or could be: those that wait for somebody who never comes are none."""
    async with tables(platform, "notify", "tests") as sessions, sessions() as db:
        await db.execute(text("lock table delivery in exclusive mode"))  # waits for the one that is being sent
        return await next_due(db, None) is not None


async def spoil(platform: Platform, service: str) -> int:
    """Delete a row of each table of copies, make another one old, and give a third one another id; how many."""
    spoilt = 0
    async with superuser(platform) as connection:
        for table, key in copies(service).items():
            name = f"{service}.{table}"
            ids = [each for (each,) in await connection.fetch(f"select {key} from {name} order by {key} limit 3")]
            for each, change in zip(ids, changes(name, key), strict=False):
                await connection.execute(f"{change} where {key} = $1", each)
                spoilt += 1
    return spoilt


def changes(name: str, key: str) -> Sequence[str]:
    """A person's row has what no event says, so it is never made anew wholly."""
    old = f"update {name} set version = 0"
    return [old] if name == "notify.contact" else [f"delete from {name}", old, f"update {name} set {key} = '{uuid4()}'"]


@pytest.mark.parametrize("service", COPYING)
async def test_what_is_right_is_left_as_it_is_and_nothing_is_done_or_said(
    services: Platform, world: World, service: str
) -> None:
    said, before = await quiet(services), await held(services, service)
    result = replay(services, service)
    assert result.returncode == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    counts = [line[2:] for line in lines if line[0] in copies(service)]
    assert counts == [["0", "0", "0"]] * len(copies(service))
    assert await held(services, service) == before
    assert await quiet(services) == said
    assert await held(services, service) == before


@pytest.mark.parametrize("service", COPYING)
async def test_whatever_the_copies_were_they_are_as_before_and_nothing_is_said_twice(
    services: Platform, world: World, service: str
) -> None:
    said, before = await quiet(services), await held(services, service)
    assert await spoil(services, service) >= 1
    assert await held(services, service) != before
    result = replay(services, service, "--as", "eva")
    assert result.returncode == 0, result.stderr

    async def as_before() -> bool:
        return await held(services, service) == before

    assert await until(as_before, 60, 0.5), difference(before, await held(services, service))
    assert await quiet(services) == said
    shown = run("audit", "show", "--object", service, I2PCC_STATE=str(services.settings.state)).stdout
    assert "eva  operator  replay" in shown


def difference(one: Rows, other: Rows) -> dict[str, list[str]]:
    """What the one has and the other has not."""
    return {name: [row for row in rows if row not in other[name]] for name, rows in one.items() if rows != other[name]}


async def test_a_dry_run_tells_and_changes_nothing(services: Platform, world: World) -> None:
    await quiet(services)
    right = await held(services, "regions")
    await spoil(services, "regions")
    spoilt = await held(services, "regions")
    result = replay(services, "regions", "--dry-run")
    assert result.stdout.splitlines()[-1] == "Nothing was changed."
    assert await held(services, "regions") == spoilt
    assert replay(services, "regions").returncode == 0
    assert await held(services, "regions") == right


async def test_a_killed_replay_has_changed_nothing_and_the_next_one_does_it_all(
    services: Platform, world: World
) -> None:
    await quiet(services)
    right = await held(services, "notify")
    await spoil(services, "notify")
    spoilt = await held(services, "notify")
    async with superuser(services) as writer, superuser(services) as onlooker:
        writing = writer.transaction()
        await writing.start()
        await writer.execute("lock table notify.company in row exclusive mode")

        async def waits() -> bool:
            return bool(await onlooker.fetchval(WAITS))

        environment = os.environ | {"I2PCC_STATE": str(services.settings.state)}
        command = await asyncio.create_subprocess_exec(*COMMAND, "replay", "notify", env=environment)
        assert await until(waits, 60)
        command.kill()
        await command.wait()
        await writing.rollback()
    assert await held(services, "notify") == spoilt
    result = replay(services, "notify")
    assert result.returncode == 0, result.stderr
    assert await held(services, "notify") == right


async def test_who_was_erased_stays_erased_and_who_should_be_is(services: Platform, operator: Browser) -> None:
    browser, contact = await region_with_contact(operator)
    await browser.done("regions", f"/v1/contacts/{contact}/erase")
    await quiet(services)
    forgotten, row = uuid4(), "select erased, name, mail, refused, token from notify.contact where contact_id = $1"
    async with superuser(services) as connection:
        insert = "insert into notify.contact (contact_id, version, erased, token) values ($1, 0, true, null)"
        await connection.execute(insert, forgotten)
        revived = "update notify.contact set erased = false, version = 1, name = 'x', mail = 'x', refused = 'x' "
        await connection.execute(f"{revived} where contact_id = $1", contact)
        assert replay(services, "notify").returncode == 0
        for each in (forgotten, contact):
            assert list(await connection.fetchrow(row, each) or []) == [True, None, None, None, None]


async def test_what_a_replay_reads_before_its_service_is_matched_too(services: Platform, operator: Browser) -> None:
    browser, contact = await region_with_contact(operator)
    await quiet(services)
    services.kill("matching")
    need = await browser.done("regions", "/v1/needs", need_body(contact))
    await published(services, "i2pcc.needs.v1")
    result = replay(services, "matching")
    await services.restart("matching")
    assert result.returncode == 0, result.stderr

    async def is_searchable() -> bool:
        async with superuser(services) as connection:
            query = "select open from matching.need where need_id = $1"
            return bool(await connection.fetchval(query, need["need_id"]))

    assert await until(is_searchable, 60)


async def test_what_is_said_meanwhile_is_in_the_copies_too(services: Platform, operator: Browser) -> None:
    browser, contact = await region_with_contact(operator)
    replaying = asyncio.create_task(asyncio.to_thread(replay, services, "matching"))
    posted: set[str] = set()
    while not replaying.done() and len(posted) < MEANWHILE:
        posted.add((await browser.done("regions", "/v1/needs", need_body(contact)))["need_id"])
    result = await replaying
    assert result.returncode == 0, result.stderr
    await quiet(services)
    async with superuser(services) as connection:
        query = "select count(*) from matching.need where open and need_id = any($1::uuid[])"
        assert await connection.fetchval(query, list(posted)) == len(posted) > 0
        assert await connection.fetchval("select count(*) from matching.dead_letter where type = 'NeedPosted'") == 0


async def test_a_person_keeps_what_no_event_says(services: Platform, operator: Browser) -> None:
    browser, contact = await region_with_contact(operator)
    await browser.done("regions", "/v1/contacts", contact_body())
    await quiet(services)
    async with superuser(services) as connection:
        await connection.execute(
            "update notify.contact set unsubscribed = true, version = 0 where contact_id = $1", contact
        )
        query = "select version, unsubscribed, token from notify.contact where contact_id = $1"
        _, _, token = await connection.fetchrow(query, contact) or ()
        assert replay(services, "notify").returncode == 0
        assert tuple(await connection.fetchrow(query, contact) or ()) == (1, True, token)


def test_a_service_without_copies_has_nothing_to_replay(services: Platform) -> None:
    result = replay(services, "intake")
    assert (result.returncode, result.stderr) == (
        2,
        "intake keeps no copies of what others say, so there is nothing to replay.\n",
    )


async def test_what_a_topic_has_lost_is_told_before_anything_is_done(services: Platform, world: World) -> None:
    """The last one: what it takes from the topic does not come back."""
    said = await quiet(services)
    lost = {place: end for place, end in said.items() if place.topic == SUGGESTIONS and end}
    admin = AIOKafkaAdminClient(**client(services.kafka(ADMIN)))
    await admin.start()
    await admin.delete_records({place: RecordsToDelete(before_offset=end) for place, end in lost.items()})
    await admin.close()
    before = await held(services, "notify")
    refused = replay(services, "notify")
    assert refused.returncode == 1
    told, hint = refused.stderr.splitlines()
    assert told == (
        f"{SUGGESTIONS} has lost its first {sum(lost.values())} records: miss, suggestion cannot be made anew whole. "
        "Nothing was changed."
    )
    assert "--partly" in hint
    assert await held(services, "notify") == before
    async with superuser(services) as connection:
        await connection.execute("update notify.need set version = 0")
    assert replay(services, "notify", "--partly").returncode == 0
    assert await held(services, "notify") == before
