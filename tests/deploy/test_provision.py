"""Servers are what the manifest says, and services have their rights and no more."""

import asyncio
import json
import os
import sys
from pathlib import Path

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from alembic import command
from alembic.script import ScriptDirectory

from deploy.embedded.platform import Platform
from deploy.files import write
from deploy.manifest import ADMIN, Topic
from deploy.problems import Problem
from deploy.provision import database
from deploy.provision.database import with_database
from deploy.provision.run import newest, provision_database, role_url
from deploy.settings import SERVICES
from deploy.waiting import until
from shared.kafka import client
from shared.migrate import config
from tests.topics import make_topics


async def value(platform: Platform, role: str, query: str) -> object:
    connection = await asyncpg.connect(platform.database_url(role))
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def described(platform: Platform, name: str) -> tuple[int, dict[str, str]]:
    admin = AIOKafkaAdminClient(**client(platform.kafka(ADMIN)))
    await admin.start()
    try:
        (found,) = await admin.describe_topics([name])
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
        entries = answer.resources[0][4]
        return len(found["partitions"]), {key: setting for key, setting, _, source, *_ in entries if source == 1}
    finally:
        await admin.close()


async def test_vectors_live_in_the_schema_of_matching(platform: Platform) -> None:
    assert await value(platform, "i2pcc_matching", "select '[1,2]'::vector <-> '[1,2]'::vector") == 0


async def test_topics_are_as_the_manifest_says(platform: Platform) -> None:
    for topic in platform.manifest.topics:
        assert await described(platform, topic.name) == (topic.partitions, topic.config())


async def test_a_topic_that_drifted_is_brought_back(platform: Platform) -> None:
    wanted = Topic(name="trial.v1", key="id", partitions=3, retention_days=7, writers=(), readers=())

    async def brought_back() -> bool:
        return await described(platform, "trial.v1") == (3, wanted.config())

    admin = AIOKafkaAdminClient(**client(platform.kafka(ADMIN)))
    await admin.start()
    try:
        await admin.create_topics([NewTopic("trial.v1", 1, 1, topic_configs={"retention.ms": "5", "segment.ms": "9"})])
        await make_topics(platform.kafka(ADMIN), [wanted])
        assert await until(brought_back, 10)
    finally:
        await admin.delete_topics(["trial.v1"])
        await admin.close()


@pytest.mark.parametrize("service", SERVICES)
def test_the_newest_migration_is_known_without_alembic(service: str) -> None:
    head = ScriptDirectory.from_config(config(service, "postgresql://")).get_current_head()
    assert newest(service) == head is not None


async def test_a_schema_of_a_newer_version_is_told_and_left_alone(platform: Platform) -> None:
    superuser, passwords = platform.database_url("postgres"), platform.secrets.passwords
    version = "update intake.alembic_version set version_num = '{}' returning version_num"
    await value(platform, "postgres", version.format("i9999"))
    with pytest.raises(Problem, match="The schema of intake cannot be brought to this version"):
        await provision_database(superuser, passwords, platform.manifest)
    assert await value(platform, "postgres", "select version_num from intake.alembic_version") == "i9999"
    await value(platform, "postgres", version.format(newest("intake")))
    await provision_database(superuser, passwords, platform.manifest)


async def test_provisioning_again_changes_nothing(platform: Platform) -> None:
    before = await value(platform, "postgres", "select count(*) from pg_roles")
    await provision_database(platform.database_url("postgres"), platform.secrets.passwords, platform.manifest)
    assert await value(platform, "postgres", "select count(*) from pg_roles") == before


RIGHTS = """
    select table_name, null as column_name, privilege_type, grantee from information_schema.role_table_grants
        where table_schema = $1
    union all select table_name, column_name, privilege_type, grantee from information_schema.role_column_grants
        where table_schema = $1
"""
FORMERLY = """
    grant select, insert, update, delete on all tables in schema {0} to i2pcc_{0};
    grant usage on all sequences in schema {0} to i2pcc_{0};
"""


async def rights(platform: Platform, database_name: str, schema: str) -> set[tuple[str, ...]]:
    """Who may do what with the tables and columns of a schema."""
    connection = await asyncpg.connect(with_database(platform.database_url("postgres"), database_name))
    try:
        return {tuple(row) for row in await connection.fetch(RIGHTS, schema)}
    finally:
        await connection.close()


async def test_an_older_database_comes_to_the_same_rights_as_a_new_one(platform: Platform) -> None:
    """Made before there was an audit log, when each provisioning gave rights to all tables."""
    superuser, passwords = platform.database_url("postgres"), platform.secrets.passwords
    older = platform.manifest.model_copy(update={"database": "older"})
    await database.provision(superuser, older, passwords)
    for service in SERVICES:
        url = role_url(superuser, "older", f"i2pcc_{service}_migrator", passwords)
        await asyncio.to_thread(command.upgrade, config(service, url), f"{service[0]}0001")
        connection = await asyncpg.connect(with_database(superuser, "older"))
        await connection.execute(FORMERLY.format(service))
        await connection.close()
    await provision_database(superuser, passwords, older)
    for service in SERVICES:
        found = await rights(platform, "older", service)
        assert found == await rights(platform, platform.manifest.database, service)
        assert {(name, right) for name, _, right, role in found if role == f"i2pcc_{service}" and "audit" in name} == {
            *(("audit", right) for right in ("SELECT", "INSERT")),
            *(("audit_seal", right) for right in ("SELECT", "INSERT")),
            *(("audit_unsealed", right) for right in ("SELECT", "INSERT", "DELETE")),
        }
    await value(platform, "postgres", "drop database older with (force)")


async def test_the_command_brings_servers_elsewhere_back_with_passwords_from_files(
    platform: Platform, tmp_path: Path
) -> None:
    passwords = platform.secrets.passwords
    write(tmp_path / "passwords.json", json.dumps(passwords))
    write(tmp_path / "kafka.json", json.dumps(platform.secrets.kafka_passwords))
    write(tmp_path / "admin", platform.secrets.kafka_passwords[ADMIN])
    write(tmp_path / "pgpass", f"*:*:*:postgres:{passwords['postgres']}")
    await value(platform, "postgres", "alter role i2pcc_portal password 'drifted'")
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.cli", "provision"),
        env=os.environ
        | {
            "I2PCC_KAFKA_SERVERS": platform.settings.kafka_servers,
            "I2PCC_KAFKA_USER": ADMIN,
            "I2PCC_KAFKA_MECHANISM": "PLAIN",
            "I2PCC_KAFKA_PASSWORD_FILE": str(tmp_path / "admin"),
            "I2PCC_KAFKA_PASSWORDS_FILE": str(tmp_path / "kafka.json"),
            "I2PCC_POSTGRES_URL": f"postgresql://postgres@127.0.0.1:{platform.settings.postgres_port}/postgres",
            "I2PCC_PASSWORDS_FILE": str(tmp_path / "passwords.json"),
            "PGPASSFILE": str(tmp_path / "pgpass"),
        },
    )
    assert await child.wait() == 0
    assert await value(platform, "i2pcc_portal", "select 1") == 1
