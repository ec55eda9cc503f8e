"""Regions' tables, in a transaction that is rolled back or in a database of their own."""

from collections.abc import AsyncIterator, Callable

import pytest_asyncio

from deploy.embedded.platform import Platform
from services.regions.models import Base
from shared.db import Db, Sessions
from tests.tables import emptied, rolled_back

ROLE = "i2pcc_regions"


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
