"""The topics, and what is on them."""

import asyncio
from collections.abc import Iterable, Sequence

from aiokafka import ConsumerRecord

from deploy.embedded.platform import Platform
from deploy.manifest import ADMIN, Topic
from deploy.provision import topics
from deploy.provision.admin import administering
from deploy.reading import reading
from deploy.waiting import until
from shared.bus import decode
from shared.events import Event
from shared.settings import Kafka
from tests.tables import superuser

DUE = "(not_before is null or not_before <= now())"


async def events_of(platform: Platform, kind: type[Event], key: object) -> list[Event]:
    """All that was said of one aggregate, in order, once its owner has nothing more to publish about it."""
    await published(platform, kind.topic)
    records = await records_on(platform, [kind.topic])
    return [decode(record) for record in records if record.key == str(key).encode()]


async def published(platform: Platform, topic: str) -> None:
    """Wait until nobody's outbox holds anything for this topic that is due."""
    writers = next(each.writers for each in platform.manifest.topics if each.name == topic)
    waiting = " union all ".join(f"select 1 from {writer}.outbox where topic = $1 and {DUE}" for writer in writers)
    async with superuser(platform) as connection:

        async def empty() -> bool:
            return not await connection.fetchval(f"select exists ({waiting})", topic)

        assert await until(empty, 30), f"the outbox for {topic} was not emptied"


async def records_on(platform: Platform, names: Iterable[str]) -> list[ConsumerRecord]:
    """Everything on these topics up to now; one key's records in order."""
    async with reading(platform.kafka(ADMIN), names) as reader:
        return [record async for records in reader.to_end() for record in records]


async def make_topics(kafka: Kafka, wanted: Sequence[Topic]) -> None:
    """Have these topics, whatever the manifest says."""

    def make() -> None:
        with administering(kafka) as admin:
            topics.provision(admin, wanted)

    await asyncio.to_thread(make)
