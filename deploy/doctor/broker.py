"""Kafka: that it answers, has the manifest's topics and rights, and that each service reads what it is to read."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from deploy.doctor.finding import Finding
from deploy.manifest import Manifest
from deploy.provision import rights
from deploy.provision.topics import own_settings, partitions_of
from deploy.status.groups import lag_of

PROVISION = "i2pcc down && i2pcc up make what is missing."


def topics(admin: AdminClient, manifest: Manifest) -> Iterator[Finding]:
    """Whether there is each topic, with its partitions and settings."""
    there = partitions_of(admin)
    present = [topic for topic in manifest.topics if topic.name in there]
    settings = own_settings(admin, present)
    for topic in manifest.topics:
        if topic.name not in there:
            yield Finding("kafka", f"There is no topic {topic.name}.", PROVISION)
        elif there[topic.name] < topic.partitions:
            yield Finding("kafka", f"{topic.name} has {there[topic.name]} partitions of {topic.partitions}.", PROVISION)
        elif settings[topic.name] != topic.config():
            other = {*settings[topic.name].items()} ^ {*topic.config().items()}
            names = ", ".join(sorted({name for name, _ in other}))
            yield Finding("kafka", f"{topic.name} is not kept as the manifest says: {names}.", PROVISION)


def allowed(admin: AdminClient, manifest: Manifest) -> Iterator[Finding]:
    """Whether everybody may do what the manifest says, and nothing else."""
    wanted, held = set(rights.rights(manifest)), set(admin.describe_acls(rights.EVERYTHING).result())
    for what, others in (("lacks", wanted - held), ("has too", held - wanted)):
        for right in sorted(others, key=str)[:5]:
            user = right.principal.removeprefix("User:")
            yield Finding("kafka", f"{user} {what}: {right.operation.name} on {right.name}.", PROVISION)


def groups(admin: AdminClient, readers: list[str]) -> Iterator[Finding]:
    """Whether each service that reads is there to read."""
    for name, told in admin.describe_consumer_groups(readers).items():
        if not _members(told):
            what = "Nobody reads its topics: its consumer group has no members."
            yield Finding(name, what, f"See its log: it may wait for Kafka, or i2pcc up starts it. Group {name}.")


def _members(told: Future[Any]) -> int:
    """How many; none in a group that was never there."""
    try:
        return len(told.result().members)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.GROUP_ID_NOT_FOUND:
            raise
        return 0


def lag(admin: AdminClient, name: str, topics: Sequence[str], most: int = 1_000) -> Iterator[Finding]:
    """How many records a service has still to read; `most` are none to speak of."""
    behind = sum(lag_of(admin, name, topics).values())
    if behind > most:
        what = f"It has {behind} records still to read."
        yield Finding(
            name, what, "If that goes on growing: see its log, and i2pcc dlq list; more instances share the work."
        )
