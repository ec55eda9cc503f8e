"""How far each service's consumer group is behind, also one that nobody is a member of: Kafka itself is asked."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from deploy.provision.admin import administering
from shared.settings import Kafka

PATIENCE = 2.0
"""Seconds that the broker gets for each answer."""


@dataclass(frozen=True)
class Group:
    """A consumer group: processes that read, and events not yet applied, by topic."""

    name: str
    members: int
    lag: dict[str, int] = field(default_factory=dict)


def groups(kafka: Kafka, readers: Mapping[str, Sequence[str]]) -> list[Group]:
    """Ask the broker; it may take some seconds, so call it from a thread.

    Args:
        kafka: as the admin.
        readers: the topics that each group reads.

    Raises:
        Problem: the broker refuses, or does not answer.
    """
    with administering(kafka) as admin:
        described = admin.describe_consumer_groups(list(readers), request_timeout=PATIENCE)
        return [
            Group(name, len(described[name].result().members), lag_of(admin, name, topics))
            for name, topics in readers.items()
        ]


def lag_of(admin: AdminClient, group: str, topics: Sequence[str]) -> dict[str, int]:
    """Events that a group has not applied yet, by topic.

    A partition of which the group has never said how far it is counts whole: whoever had it may have died before that.
    """
    wanted = ConsumerGroupTopicPartitions(group)
    answer = admin.list_consumer_group_offsets([wanted], request_timeout=PATIENCE)[group].result()
    committed = {(place.topic, place.partition): place.offset for place in answer.topic_partitions if place.offset >= 0}
    places = list(_places(admin, topics))
    starts, ends = (_offsets(admin, places, spec) for spec in (OffsetSpec.earliest(), OffsetSpec.latest()))
    lag: Counter[str] = Counter(dict.fromkeys(sorted({topic for topic, _ in places}), 0))
    for place in places:
        lag[place[0]] += max(0, ends[place] - max(starts[place], committed.get(place, 0)))
    return dict(lag)


def _places(admin: AdminClient, topics: Sequence[str]) -> Iterator[tuple[str, int]]:
    known = admin.list_topics(timeout=PATIENCE).topics
    for topic in topics:
        if topic in known:
            yield from ((topic, partition) for partition in known[topic].partitions)


def _offsets(admin: AdminClient, places: Sequence[tuple[str, int]], spec: OffsetSpec) -> dict[tuple[str, int], int]:
    asked = {TopicPartition(topic, partition): spec for topic, partition in places}
    if not asked:
        return {}
    answers = admin.list_offsets(asked, request_timeout=PATIENCE)
    return {(place.topic, place.partition): answer.result().offset for place, answer in answers.items()}
