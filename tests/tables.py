"""A service's tables: in a transaction that is rolled back, empty and unattended, or as the superuser sees them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy import delete, text
from sqlmodel import SQLModel

from deploy.embedded.platform import Platform
from shared.db import Db, Sessions, connect, sessions
from shared.settings import Database


@asynccontextmanager
async def rolled_back(url: str) -> AsyncIterator[Db]:
    """A session as a service's role; nothing of it stays."""
    engine = connect(Database(url=url), "tests")
    async with sessions(engine)() as db:
        yield db
    await engine.dispose()


@asynccontextmanager
async def emptied(url: str, base: type[SQLModel]) -> AsyncIterator[Sessions]:
    """Sessions on a service's tables, which are empty at first."""
    engine = connect(Database(url=url), "tests")
    made = sessions(engine)
    await wipe(made, base)
    yield made
    await engine.dispose()


async def wipe(made: Sessions, base: type[SQLModel]) -> None:
    """Begin anew."""
    async with made() as db, db.begin():
        for table in base.metadata.sorted_tables:
            await db.execute(delete(table))
        for plumbing in ("outbox", "inbox", "audit_unsealed"):
            await db.execute(text(f"delete from {plumbing}"))


@asynccontextmanager
async def superuser(platform: Platform) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection that may do and see everything."""
    connection = await asyncpg.connect(platform.database_url("postgres"))
    try:
        yield connection
    finally:
        await connection.close()


async def audit_rows(platform: Platform, service: str, request: str) -> list[dict[str, Any]]:
    """The audit rows of one request."""
    async with superuser(platform) as connection:
        found = await connection.fetch(f"select * from {service}.audit where request = $1", request)
    return [dict(row) | {"objects": json.loads(row["objects"])} for row in found]
