"""One database: per service a schema, the role that owns it and the role that uses it and nothing else."""

from collections.abc import Mapping
from typing import TypeAlias
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from deploy.manifest import Manifest, Service
from deploy.problems import Problem

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

TIMEOUTS = {"lock_timeout": "5s", "idle_in_transaction_session_timeout": "30s"}
"""Nobody holds the others up for longer."""
STATEMENT_TIMEOUTS = {"migrator": "10min", "role": "15s"}
"""A migration may have to rewrite a large table."""

ATTRIBUTES = "login nosuperuser nocreatedb nocreaterole noreplication nobypassrls"

# Rights are given to tables as they are made, not to all that there are: a migration may have taken some back.
SCHEMA = """
create schema if not exists {schema} authorization {migrator};
alter schema {schema} owner to {migrator};
grant connect on database {database} to {migrator}, {role};
grant temporary on database {database} to {migrator};
grant usage on schema {schema} to {role};
alter default privileges for role {migrator} in schema {schema}
    grant select, insert, update, delete on tables to {role};
alter default privileges for role {migrator} in schema {schema} grant usage on sequences to {role};
alter role {migrator} set search_path = {schema};
alter role {role} set search_path = {schema};
"""

CLOSED = """
revoke all on database {database}, postgres, template1 from public;
revoke all on schema public from public;
"""


async def provision(url: str, manifest: Manifest, passwords: Mapping[str, str]) -> None:
    """Make the database, roles and schemas, as a superuser; roles get the passwords given.

    Args:
        url: postgresql:// of the superuser.
        passwords: of every role of the manifest.
    """
    await _create_database(with_database(url, "postgres"), manifest.database)
    connection = await _connect(with_database(url, manifest.database))
    try:
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock(hashtext('i2pcc provision'))")
            await connection.execute(CLOSED.format(database=manifest.database))
            for service in manifest.services.values():
                await _provision_service(connection, manifest.database, service, passwords)
    finally:
        await connection.close()


async def versions(url: str, manifest: Manifest) -> dict[str, str]:
    """The migration that each service's schema is at, where there is one."""
    connection = await _connect(with_database(url, manifest.database))
    try:
        return {
            name: await connection.fetchval(f"select version_num from {service.schema_}.alembic_version")
            for name, service in manifest.services.items()
            if await connection.fetchval("select to_regclass($1)", f"{service.schema_}.alembic_version")
        }
    finally:
        await connection.close()


async def anew(url: str, database: str) -> None:
    """Have an empty database in the place of what is there: not even the services' schemas are in it."""
    server = with_database(url, "postgres")
    connection = await _connect(server)
    try:
        await connection.execute(f"drop database if exists {database}")
    finally:
        await connection.close()
    await _create_database(server, database)


def with_database(url: str, database: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


async def _connect(url: str) -> Connection:
    """Failing statements stay out of the server's log: some of these hold a password."""
    try:
        return await asyncpg.connect(url, server_settings={"log_min_error_statement": "panic"})
    except asyncpg.InvalidPasswordError as error:
        raise Problem(
            f"PostgreSQL refuses the password of {urlsplit(url).username}.",
            "Its data and the passwords it was made with do not belong together: restore one of the two.",
        ) from error
    except (OSError, asyncpg.PostgresError) as error:
        raise Problem(f"PostgreSQL at {urlsplit(url).hostname} does not answer: {error}") from error


async def _create_database(url: str, database: str) -> None:
    connection = await _connect(url)
    try:
        if not await connection.fetchval("select 1 from pg_database where datname = $1", database):
            await connection.execute(f"create database {database} encoding 'UTF8' template template0")
    finally:
        await connection.close()


async def _provision_service(
    connection: Connection, database: str, service: Service, passwords: Mapping[str, str]
) -> None:
    for role in (service.migrator, service.role):
        await _keep_role(connection, role, passwords[role])
    await connection.execute(
        SCHEMA.format(database=database, schema=service.schema_, migrator=service.migrator, role=service.role)
    )
    for kind, longest in STATEMENT_TIMEOUTS.items():
        for name, value in {**TIMEOUTS, "statement_timeout": longest}.items():
            await connection.execute(f"alter role {getattr(service, kind)} set {name} = '{value}'")
    for extension in service.extensions:
        await connection.execute(f"create extension if not exists {extension} schema {service.schema_}")


async def _keep_role(connection: Connection, role: str, password: str) -> None:
    known = await connection.fetchval("select 1 from pg_roles where rolname = $1", role)
    statement = await connection.fetchval(
        "select format('%s role %I %s password %L', $1::text, $2::text, $3::text, $4::text)",
        "alter" if known else "create",
        role,
        ATTRIBUTES,
        password,
    )
    await connection.execute(statement)
