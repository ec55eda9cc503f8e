"""Who listens to the topics, and shows what happens as it happens."""

import asyncio
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from deploy.demo.telling import Teller
from deploy.problems import Problem
from deploy.screen import console, show_moment
from deploy.waiting import until
from shared.bus import decode
from shared.events import CATALOG, Event
from shared.kafka import client, explain
from shared.settings import Kafka

PATIENCE = 60.0
"""Seconds that any one step may take."""
QUIET = 10.0
"""Seconds without an event after which nothing more is expected."""
STYLES = {
    "MatchFound": "green",
    "MatchAccepted": "bold green",
    "MatchDeclined": "yellow",
    "IntroductionMade": "bold green",
    "IntroductionFailed": "bold red",
}


class Audience:
    """Hears everything that is no personal data, from the topics' beginning; shows what happened since it listens."""

    def __init__(self, kafka: Kafka) -> None:
        self.teller = Teller()
        self._kafka = kafka
        self._heard: list[Event] = []
        self._since = datetime.now(UTC)
        self._last = time.monotonic()
        topics = {kind.topic for kind in CATALOG.values() if not kind.personal}
        self._consumer = AIOKafkaConsumer(*topics, **client(kafka), auto_offset_reset="earliest")

    async def __aenter__(self) -> "Audience":
        try:
            await self._consumer.start()
        except KafkaError as error:
            await self._consumer.stop()
            raise Problem(f"Nothing can be heard: {explain(self._kafka, error)}.") from error
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.cancel()
        await self._consumer.stop()

    async def hears(self, what: str, wanted: Callable[[Event], bool]) -> None:
        """Wait until such an event was heard.

        Raises:
            Problem: it was not, in time.
        """
        await self._until(what, lambda: any(map(wanted, self._heard)))

    async def hears_of(self, what: str, keys: Iterable[object]) -> None:
        """Wait until something was heard of each of these companies, needs, proposals or matches.

        Raises:
            Problem: it was not, in time.
        """
        waited = set(map(str, keys))
        await self._until(what, lambda: waited <= {str(getattr(event, event.key)) for event in self._heard})

    async def hears_matches(self, pairs: set[tuple[str, str]]) -> None:
        """Wait until each of these pairs has matched, or until it has become quiet."""
        matches = self.teller.matches
        with console.status("Looking for more matches ...") as status:

            async def settled() -> bool:
                status.update(f"Looking for more matches ... {len(pairs & matches.keys())} of {len(pairs)}")
                return pairs <= matches.keys() or time.monotonic() > self._last + QUIET

            await until(settled, PATIENCE)

    async def _until(self, what: str, condition: Callable[[], bool]) -> None:
        async def met() -> bool:
            return condition() or self._listening.done()

        with console.status(f"Waiting for {what} ..."):
            in_time = await until(met, PATIENCE)
        if self._listening.done():
            self._listening.result()
        if not in_time:
            raise Problem(f"After {PATIENCE:.0f} s nothing was heard of {what}.", "See the services' logs.")

    async def _listen(self) -> None:
        async for record in self._consumer:
            event = decode(record)
            self._heard.append(event)
            self._last = time.monotonic()
            sentence = self.teller.tell(event)
            if sentence and event.envelope.time >= self._since:
                show_moment(event.envelope.time, sentence, STYLES.get(type(event).__name__, ""))
