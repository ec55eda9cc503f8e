"""Notify's tables, in a transaction that is rolled back or in a database of their own, and a mail server."""

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from deploy.embedded.platform import Platform
from services.notify.models import Base
from shared.db import Db, Sessions
from tests.notify.post import PostOffice
from tests.tables import emptied, rolled_back

ROLE = "i2pcc_notify"


@pytest_asyncio.fixture
async def db(platform: Platform) -> AsyncIterator[Db]:
    """A session as the service's role; nothing of it stays."""
    async with rolled_back(platform.database_url(ROLE)) as db:
        yield db


@pytest_asyncio.fixture
async def alone(second_database: Callable[[str], str]) -> AsyncIterator[Sessions]:
    """Empty tables that nobody else works on."""
    async with emptied(second_database(ROLE), Base) as made:
        yield made


@pytest_asyncio.fixture
async def post(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PostOffice]:
    """The mail server that workers of this process send to."""
    office = PostOffice()
    async with office.open() as port:
        monkeypatch.setenv("I2PCC_MAIL_HOST", "127.0.0.1")
        monkeypatch.setenv("I2PCC_MAIL_PORT", str(port))
        yield office
