"""Matching's tables, in a transaction that is rolled back or in a database of their own."""

from collections.abc import AsyncIterator, Callable

import pytest_asyncio

from deploy.embedded.platform import Platform
from shared.db import Db, Sessions, connect, sessions
from shared.settings import Database
from tests.matching.sides import wipe


@pytest_asyncio.fixture
async def db(platform: Platform) -> AsyncIterator[Db]:
    """A session as the service's role; nothing of it stays."""
    engine = connect(Database(url=platform.database_url("i2pcc_matching")), "tests")
    async with sessions(engine)() as db:
        yield db
    await engine.dispose()


@pytest_asyncio.fixture
async def alone(second_database: Callable[[str], str]) -> AsyncIterator[Sessions]:
    """Empty tables that nobody else works on."""
    engine = connect(Database(url=second_database("i2pcc_matching")), "tests")
    made = sessions(engine)
    await wipe(made)
    yield made
    await engine.dispose()
