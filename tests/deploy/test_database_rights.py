"""Every role is tried against every schema and table: a service has its own, and no more than it needs."""

import asyncpg
import pytest

from deploy.embedded.platform import Platform
from deploy.manifest import Service, load

SERVICES = load().services
OWNERS = {role: name for name, service in SERVICES.items() for role in (service.migrator, service.role)}
RUNTIME = {service.role for service in SERVICES.values()}
VERBS = {
    "read": "explain select from {table}",
    "insert": "explain insert into {table} default values",
    "update": "explain update {table} set {column} = {column}",
    "delete": "explain delete from {table}",
    "truncate": "truncate {table} cascade",
    "change": "alter table {table} add column trial int",
    "drop": "drop table {table} cascade",
}
"""`explain` checks the right and does nothing; the others are rolled back."""
USED = {"read", "insert", "update", "delete"}
APPENDED = {"audit": USED - {"update", "delete"}, "audit_seal": USED - {"update", "delete"}}
QUEUED = {"audit_unsealed": USED - {"update"}}


async def refused(connection: "asyncpg.Connection[asyncpg.Record]", statement: str) -> bool:
    """Whether the role has no right to do this; what it has a right to is undone."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(statement)
    except asyncpg.InsufficientPrivilegeError:
        return True
    finally:
        await transaction.rollback()
    return False


@pytest.mark.parametrize("role", OWNERS)
async def test_a_role_may_do_what_its_service_needs_and_nothing_else(services: Platform, role: str) -> None:
    onlooker = await asyncpg.connect(services.database_url("postgres"))
    columns = await onlooker.fetch(
        "select table_schema, table_name, min(column_name) from information_schema.columns "
        "where table_schema = any($1) and is_generated = 'NEVER' and is_identity = 'NO' group by 1, 2",
        list(SERVICES),
    )
    await onlooker.close()
    assert {schema for schema, *_ in columns} == set(SERVICES) - {"portal"}
    connection = await asyncpg.connect(services.database_url(role))
    try:
        for schema, table, column in columns:
            used = (APPENDED | QUEUED).get(table, USED)
            wanted = (used if role in RUNTIME else set(VERBS)) if schema == OWNERS[role] else set()
            for verb, statement in VERBS.items():
                tried = statement.format(table=f"{schema}.{table}", column=column)
                assert await refused(connection, tried) == (verb not in wanted), f"{role}: {tried}"
    finally:
        await connection.close()


@pytest.mark.parametrize("role", OWNERS)
async def test_a_role_makes_nothing_outside_its_schema(services: Platform, role: str) -> None:
    connection = await asyncpg.connect(services.database_url(role))
    try:
        for schema in (*SERVICES, "public"):
            mine = schema == OWNERS[role] and role not in RUNTIME
            assert await refused(connection, f"create table {schema}.trial (id int)") != mine, schema
        others = (f"set role {other}" for other in (*OWNERS, "postgres") if other != role)
        for statement in (
            *others,
            "create schema trial",
            "create role trial",
            "create extension pg_trgm schema public",
            "copy (select 1) to program 'true'",
            "select pg_read_file('/etc/hostname')",
        ):
            assert await refused(connection, statement), statement
        # The owner's are for replays.
        assert await refused(connection, "create temporary table trial (id int)") == (role in RUNTIME)
    finally:
        await connection.close()


@pytest.mark.parametrize("role", OWNERS)
async def test_a_role_reaches_no_other_database(services: Platform, role: str) -> None:
    for database in ("postgres", "template1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(services.database_url(role), database=database)


@pytest.mark.parametrize("service", SERVICES.values(), ids=lambda service: service.schema_)
async def test_nobody_holds_the_others_up_for_long(services: Platform, service: Service) -> None:
    for role, statement in ((service.migrator, "10min"), (service.role, "15s")):
        connection = await asyncpg.connect(services.database_url(role))
        names = ("search_path", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        said = [await connection.fetchval(f"show {name}") for name in names]
        await connection.close()
        assert said == [service.schema_, statement, "5s", "30s"]


@pytest.mark.parametrize("role", [*OWNERS, "postgres"])
async def test_a_password_is_needed_on_the_loopback_address_too(services: Platform, role: str) -> None:
    for guess in ("guessed", role):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(services.database_url(role), password=guess)


async def test_passwords_are_kept_as_scram_verifiers_and_stay_out_of_the_log(services: Platform) -> None:
    onlooker = await asyncpg.connect(services.database_url("postgres"))
    kept = dict(await onlooker.fetch("select rolname, rolpassword from pg_authid where rolcanlogin"))
    rules = {method for (method,) in await onlooker.fetch("select distinct auth_method from pg_hba_file_rules")}
    await onlooker.close()
    assert kept.keys() == services.secrets.passwords.keys()
    assert all(verifier.startswith("SCRAM-SHA-256$") for verifier in kept.values())
    assert rules == {"scram-sha-256"}
    log = (services.processes.logs / "postgres.log").read_text()
    assert not [role for role, password in services.secrets.passwords.items() if password in log]
