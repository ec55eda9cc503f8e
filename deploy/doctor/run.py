"""All checks, each by itself: one that cannot be made is a finding too."""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial

import asyncpg
from confluent_kafka.admin import AdminClient
from rich.text import Text

from deploy.doctor import broker, database, machine, services
from deploy.doctor.finding import Finding
from deploy.embedded.platform import Platform
from deploy.embedded.secrets import SUPERUSER
from deploy.manifest import ADMIN
from deploy.problems import Problem
from deploy.provision.admin import administering
from deploy.screen import console
from deploy.settings import SERVICES


async def examine(platform: Platform) -> list[Finding]:
    """All that is wrong; where a server is away, what is in it is not looked at."""
    state = platform.settings.state
    checks: list[Callable[[], Iterator[Finding]]] = [
        partial(machine.folder, state),
        partial(machine.room, state),
        machine.java,
        partial(machine.files, zipkin=platform.settings.zipkin),
        partial(machine.processes, platform),
        partial(machine.ports, platform),
    ]
    found = [each for check in checks for each in check()]
    if any(platform.process(name) for name in SERVICES):
        for told in (services.ready(platform), services.signin(platform), services.mail(platform)):
            found += [each async for each in told]
    if platform.process("postgres"):
        found += await in_database(platform)
    if platform.process("kafka"):
        found += await asyncio.to_thread(in_kafka, platform)
    return found


async def in_database(platform: Platform) -> list[Finding]:
    """What is wrong in PostgreSQL, or with it."""
    found = [each async for each in database.reach(platform)]
    if found:
        return found
    connection = await asyncpg.connect(platform.database_url(SUPERUSER))
    try:
        found += [each async for each in database.clocks(connection)]
        for name in SERVICES:
            behind = [each async for each in database.schemas(connection, name)]
            found += behind or [each async for each in database.waiting(connection, name)]
            if name == "notify" and not behind:
                found += [each async for each in database.mails(connection)]
    finally:
        await connection.close()
    return found


def in_kafka(platform: Platform) -> list[Finding]:
    """What is wrong in Kafka, or with it."""
    try:
        with administering(platform.kafka(ADMIN)) as admin:
            return [*_asked(platform, admin)]
    except Problem as problem:
        return [Finding("kafka", problem.message, problem.hint or "i2pcc up; why is in its log.")]


def _asked(platform: Platform, admin: AdminClient) -> Iterator[Finding]:
    yield from broker.topics(admin, platform.manifest)
    yield from broker.allowed(admin, platform.manifest)
    running = {name: topics for name, topics in platform.manifest.read_by(SERVICES).items() if platform.process(name)}
    if running:
        yield from broker.groups(admin, list(running))
    for name, topics in running.items():
        yield from broker.lag(admin, name, topics)


def tell(found: list[Finding]) -> None:
    """Each finding, and below it what to do."""
    if not found:
        console.print("Nothing is wrong.")
    for each in found:
        console.print(Text.assemble((f"{each.about}: ", "bold"), each.what), soft_wrap=True)
        console.print(Text(f"  → {each.remedy}"), soft_wrap=True)
