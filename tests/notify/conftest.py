"""Notify's tables, in a transaction that is rolled back or in a database of their own, and a mail server."""

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from sqlalchemy import delete, text

from deploy.embedded.platform import Platform
from services.notify.models import Base
from shared.db import Db, Sessions, connect, sessions
from shared.settings import Database
from tests.notify.post import PostOffice


@pytest_asyncio.fixture
async def db(platform: Platform) -> AsyncIterator[Db]:
    """A session as the service's role; nothing of it stays."""
    engine = connect(Database(url=platform.database_url("i2pcc_notify")), "tests")
    async with sessions(engine)() as db:
        yield db
    await engine.dispose()


@pytest_asyncio.fixture
async def alone(second_database: Callable[[str], str]) -> AsyncIterator[Sessions]:
    """Empty tables that nobody else works on."""
    engine = connect(Database(url=second_database("i2pcc_notify")), "tests")
    made = sessions(engine)
    async with made() as db, db.begin():
        for table in Base.metadata.sorted_tables:
            await db.execute(delete(table))
        await db.execute(text("delete from outbox"))
        await db.execute(text("delete from inbox"))
    yield made
    await engine.dispose()


@pytest_asyncio.fixture
async def post(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PostOffice]:
    """The mail server that workers of this process send to."""
    office = PostOffice()
    async with office.open() as port:
        monkeypatch.setenv("I2PCC_MAIL_HOST", "127.0.0.1")
        monkeypatch.setenv("I2PCC_MAIL_PORT", str(port))
        yield office
