"""What an operator's command works on: the platform as it runs on this machine, and a service's own tables in it."""

import getpass
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from asyncpg import InterfaceError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.embedded.platform import Platform
from deploy.problems import Problem
from deploy.settings import SERVICES, Settings, read
from shared.db import Sessions, connect, is_outage, sessions
from shared.settings import Database


def platform() -> Platform:
    """The platform of this state folder, with the settings it was started with."""
    return Platform(read(Settings)).as_it_runs()


@asynccontextmanager
async def database(platform: Platform, role: str, application: str) -> AsyncIterator[AsyncEngine]:
    """The database as one of its roles, beside the services.

    Raises:
        Problem: PostgreSQL does not run here, or went away.
    """
    if platform.process("postgres") is None:
        raise Problem("PostgreSQL does not run here, so there is nothing to look at.", "Run: i2pcc up")
    engine = connect(Database(url=platform.database_url(role)), application)
    try:
        yield engine
    except (OSError, DBAPIError, InterfaceError) as error:
        if not is_outage(error):
            raise
        raise Problem("PostgreSQL does not answer, or went away meanwhile.", "See: i2pcc status") from error
    finally:
        await engine.dispose()


@asynccontextmanager
async def tables(platform: Platform, service: str, application: str) -> AsyncIterator[Sessions]:
    """Sessions on a service's tables, with its own rights.

    Raises:
        Problem: PostgreSQL does not run here, or went away.
    """
    async with database(platform, platform.manifest.services[service].role, application) as engine:
        yield sessions(engine)


def known(service: str) -> str:
    """A service's name as it was given.

    Raises:
        Problem: there is none of that name.
    """
    if service not in SERVICES:
        raise Problem(f"There is no service {service}.", f"There are: {', '.join(SERVICES)}.", code=2)
    return service


def operator(named: str | None) -> str:
    """Who is noted in the audit log: the name that was given, or the user of this machine.

    Raises:
        Problem: neither is there.
    """
    try:
        return named or getpass.getuser()
    except (KeyError, OSError):
        raise Problem(
            "This user has no name, so nobody could be noted.", "Say who you are: --as NAME", code=2
        ) from None
