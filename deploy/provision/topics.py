"""Topics as the manifest says: the missing are created, too few partitions and other settings are changed."""

from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code

from deploy.manifest import Topic
from deploy.problems import Problem
from deploy.waiting import until

TOPIC_CONFIG = 1
"""Kafka's mark of a setting that was made on the topic itself."""
PATIENCE = 10.0
"""Seconds until what was created is known."""


async def provision(servers: str, topics: Sequence[Topic], replication: int = 1) -> None:
    """Bring the topics to what they should be; what is right already is left alone."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers, client_id="i2pcc-provision")
    try:
        await admin.start()
        await _create(admin, topics, replication)
        await _until_known(admin, topics)
        await _grow(admin, topics)
        await _configure(admin, topics)
    except KafkaError as error:
        raise Problem(f"Kafka at {servers} did not do what it was asked to: {error}") from error
    finally:
        await admin.close()


async def _create(admin: AIOKafkaAdminClient, topics: Sequence[Topic], replication: int) -> None:
    existing = set(await admin.list_topics())
    missing = [
        NewTopic(topic.name, topic.partitions, replication, topic_configs=topic.config())
        for topic in topics
        if topic.name not in existing
    ]
    if missing:
        answer = await admin.create_topics(missing)
        _check((name, code) for name, code, *_ in answer.topic_errors)


async def _until_known(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> None:
    """What the controller has created, the broker learns a moment later; till then it would not be seen to be small."""

    async def known() -> bool:
        return all((await _partitions(admin, topics)).values())

    if not await until(known, PATIENCE):
        raise Problem(f"Kafka did not make its topics known within {PATIENCE:.0f} seconds.")


async def _partitions(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> dict[str, int]:
    """How many each topic has; none while the broker does not know it."""
    described = await admin.describe_topics([topic.name for topic in topics])
    return {found["topic"]: len(found["partitions"]) for found in described}


async def _grow(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> None:
    partitions = await _partitions(admin, topics)
    small = {
        topic.name: NewPartitions(topic.partitions) for topic in topics if partitions[topic.name] < topic.partitions
    }
    if small:
        answer = await admin.create_partitions(small)
        _check((name, code) for name, code, *_ in answer.topic_errors)


async def _configure(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> None:
    """A topic's settings are replaced as a whole: one that the manifest no longer has is gone afterwards."""
    current = await _own_settings(admin, topics)
    other = [
        ConfigResource(ConfigResourceType.TOPIC, topic.name, topic.config())
        for topic in topics
        if current[topic.name] != topic.config()
    ]
    if other:
        for answer in await admin.alter_configs(other):
            _check((name, code) for code, _, _, name in answer.resources)


async def _own_settings(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> dict[str, dict[str, Any]]:
    asked = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics]
    return {
        name: {key: value for key, value, _, source, *_ in entries if source == TOPIC_CONFIG}
        for answer in await admin.describe_configs(asked)
        for _, _, _, name, entries in answer.resources
    }


def _check(results: Iterable[tuple[str, int]]) -> None:
    for name, code in results:
        error = for_code(code)
        if code and error.__name__ != "TopicAlreadyExistsError":
            raise Problem(f"Kafka refused the topic {name}: {error.description}")
