"""Topics as the manifest says: the missing are created, too few partitions and other settings are changed."""

from collections.abc import Iterator, Mapping, Sequence

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

from deploy.manifest import Topic
from deploy.provision.admin import in_force

OWN = ConfigSource.DYNAMIC_TOPIC_CONFIG.value
"""Kafka's mark of a setting that was made on the topic itself."""


def provision(admin: AdminClient, topics: Sequence[Topic], replication: int = 1) -> None:
    """Bring the topics to what they should be; what is right already is left alone."""
    _create(admin, topics, replication)
    _grow(admin, topics)
    _configure(admin, topics)


def _create(admin: AdminClient, topics: Sequence[Topic], replication: int) -> None:
    """What the controller has created, the broker learns a moment later; till then it would not be seen to be small."""
    existing = partitions_of(admin)
    missing = [
        NewTopic(topic.name, topic.partitions, replication, config=topic.config())
        for topic in topics
        if topic.name not in existing
    ]
    if missing:
        for created in admin.create_topics(missing).values():
            try:
                created.result()
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise
        in_force("topics", lambda: {topic.name for topic in topics} <= partitions_of(admin).keys())


def partitions_of(admin: AdminClient) -> dict[str, int]:
    """How many each topic has that the broker knows."""
    return {name: len(topic.partitions) for name, topic in admin.list_topics().topics.items()}


def _grow(admin: AdminClient, topics: Sequence[Topic]) -> None:
    partitions = partitions_of(admin)
    small = [
        NewPartitions(topic.name, topic.partitions) for topic in topics if partitions[topic.name] < topic.partitions
    ]
    if small:
        for grown in admin.create_partitions(small).values():
            grown.result()


def _configure(admin: AdminClient, topics: Sequence[Topic]) -> None:
    """A setting that the manifest no longer has is gone afterwards."""
    current = own_settings(admin, topics)
    other = [
        ConfigResource(
            ResourceType.TOPIC,
            topic.name,
            incremental_configs=list(_changes(current[topic.name], topic.config())),
        )
        for topic in topics
        if current[topic.name] != topic.config()
    ]
    if other:
        for changed in admin.incremental_alter_configs(other).values():
            changed.result()


def _changes(current: Mapping[str, str], wanted: Mapping[str, str]) -> Iterator[ConfigEntry]:
    for name, value in wanted.items():
        yield ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    for name in current.keys() - wanted.keys():
        yield ConfigEntry(name, None, incremental_operation=AlterConfigOpType.DELETE)


def own_settings(admin: AdminClient, topics: Sequence[Topic]) -> dict[str, dict[str, str]]:
    asked = [ConfigResource(ResourceType.TOPIC, topic.name) for topic in topics]
    return {
        resource.name: {name: entry.value for name, entry in told.result().items() if entry.source == OWN}
        for resource, told in admin.describe_configs(asked).items()
    }
