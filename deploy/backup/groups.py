"""How far each consumer group has read."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import partial
from pathlib import Path

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from pydantic import BaseModel, TypeAdapter

from deploy.backup.writing import Places
from deploy.files import write
from deploy.provision.admin import in_force

LOADING = (
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
)


class Position(BaseModel):
    """The offset that a group reads next in a partition."""

    group: str
    topic: str
    partition: int
    offset: int


POSITIONS = TypeAdapter(list[Position])


def positions(admin: AdminClient, topics: Collection[str]) -> list[Position]:
    """Of every group on these topics."""
    return [
        Position(group=group.group_id, topic=place.topic, partition=place.partition, offset=place.offset)
        for group in admin.list_consumer_groups().result().valid
        for place in _committed(admin, group.group_id)
        if place.topic in topics and place.offset >= 0
    ]


def _committed(admin: AdminClient, group: str) -> list[TopicPartition]:
    (answer,) = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]).values()
    return list(answer.result().topic_partitions)


def save(file: Path, found: list[Position]) -> None:
    """Keep them."""
    write(file, POSITIONS.dump_json(found, indent=1).decode() + "\n")


def read(file: Path) -> list[Position]:
    """What was kept."""
    return POSITIONS.validate_json(file.read_bytes())


def resume(admin: AdminClient, kept: Iterable[Position], places: Places) -> None:
    """Have the groups go on where they were, in topics whose records have other offsets now."""
    wanted: dict[str, list[TopicPartition]] = defaultdict(list)
    for each in kept:
        offset = places.position((each.topic, each.partition), each.offset)
        wanted[each.group].append(TopicPartition(each.topic, each.partition, offset))
    for group, partitions in wanted.items():
        asked = ConsumerGroupTopicPartitions(group, partitions)
        in_force(f"offsets of {group}", partial(_is_moved, admin, asked))


def _is_moved(admin: AdminClient, asked: ConsumerGroupTopicPartitions) -> bool:
    """Move a group, if its coordinator knows the groups already: it reads them first when the broker has started."""
    try:
        (answer,) = admin.alter_consumer_group_offsets([asked]).values()
        errors = [place.error for place in answer.result().topic_partitions if place.error]
    except KafkaException as error:
        errors = [error.args[0]]
    if wrong := [error for error in errors if error.code() not in LOADING]:
        raise KafkaException(wrong[0])
    return not errors
