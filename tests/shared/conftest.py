"""A database and topics of its own for each test of the plumbing, on the platform's servers."""

from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.embedded.platform import Platform
from deploy.manifest import ADMIN, Topic
from deploy.provision.database import with_database
from shared import deadletters
from shared.db import connect, sessions
from shared.events import CATALOG
from shared.kafka import client
from shared.migrations import plumbing
from shared.settings import Database
from tests.shared.trial import EVENTS, Base, NoteFacts, PersonNamed, Trial
from tests.topics import make_topics


@pytest.fixture
async def trial(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Trial]:
    """A service with the plumbing's tables, two topics, and its events in the catalogue."""
    name = f"trial_{uuid4().hex[:12]}"
    notes, persons = f"{name}.notes.v1", f"{name}.persons.v1"
    monkeypatch.setattr(NoteFacts, "topic", notes)
    monkeypatch.setattr(PersonNamed, "topic", persons)
    monkeypatch.setattr(deadletters, "PERSONAL", {*deadletters.PERSONAL, persons})
    for type_name, kind in EVENTS.items():
        monkeypatch.setitem(CATALOG, type_name, kind)
    made = [Topic(name=topic, key="id", partitions=3, writers=(), readers=()) for topic in (notes, persons)]
    await make_topics(platform.kafka(ADMIN), made)
    superuser = platform.database_url("postgres")
    await _administer(superuser, f"create database {name}")
    url = with_database(superuser, name)
    engine = connect(Database(url=url), "trial")
    async with engine.begin() as connection:
        await connection.run_sync(_create_tables)
    onlooker = create_async_engine(engine.url, pool_pre_ping=True)
    yield Trial(name, url, platform.kafka(ADMIN), (notes, persons), sessions(engine), sessions(onlooker))
    await engine.dispose()
    await onlooker.dispose()
    await _administer(superuser, f"drop database {name} with (force)")
    await _delete(platform, [notes, persons])


def _create_tables(connection: Connection) -> None:
    with Operations.context(MigrationContext.configure(connection)):
        plumbing.create_v1()
        plumbing.create_audit()
        plumbing.let_outbox_wait()
    Base.metadata.create_all(connection)


async def _administer(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


async def _delete(platform: Platform, names: list[str]) -> None:
    admin = AIOKafkaAdminClient(**client(platform.kafka(ADMIN)))
    await admin.start()
    await admin.delete_topics(names)
    await admin.close()
