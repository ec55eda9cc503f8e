"""How far a consumer is behind its topics, over the connections that it has anyway."""

import asyncio
from collections import Counter
from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

PATIENCE = 1.5
"""Seconds that the broker gets to say where its partitions end; a fetch before it may take half a second."""


async def lag(consumer: AIOKafkaConsumer, in_hand: Iterable[ConsumerRecord]) -> dict[TopicPartition, int]:
    """Records that are not applied yet, of each partition that this process reads.

    If the broker does not answer, what it said last is taken: the lag then stands still, and is never taken for none.

    Args:
        consumer: what reads.
        in_hand: what it has given out and is being applied.
    """
    places = sorted(consumer.assignment())
    held = Counter(TopicPartition(record.topic, record.partition) for record in in_hand)
    found = {}
    for place, end in (await _ends(consumer, places)).items():
        try:
            found[place] = max(0, end - await consumer.position(place)) + held[place]
        except IllegalStateError:
            continue  # another process reads it now
    return found


async def _ends(consumer: AIOKafkaConsumer, places: list[TopicPartition]) -> dict[TopicPartition, int]:
    if not places:
        return {}
    try:
        async with asyncio.timeout(PATIENCE):
            ends: dict[TopicPartition, int] = await consumer.end_offsets(places)
            return ends
    except (KafkaError, TimeoutError):
        known = {place: consumer.highwater(place) for place in places if place in consumer.assignment()}
        return {place: end for place, end in known.items() if end is not None}
