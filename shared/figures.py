"""The service's figures at /metrics: what its process has counted, and what is read as it is asked for."""

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator, Sequence

from fastapi import APIRouter, Request, Response
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from sqlalchemy import text

from shared.backlog import LETTER_STATES, LETTERS, OUTBOX, ROW_STATES, oldest
from shared.bus import Consumer
from shared.db import Sessions
from shared.outbox import Relay

log = logging.getLogger(__name__)

PATIENCE = 2.0
"""Seconds that the database gets, and the broker beside it; then the figures go out without theirs."""
FRESH = 0.5
"""Seconds for which what was read is answered again: anyone may ask, and no asking shall be a burden."""

page = APIRouter()


@page.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Everything, in Prometheus's text format."""
    figures: Figures = request.app.state.figures
    found = generate_latest(_Found(await figures.read())) + generate_latest(REGISTRY)
    return Response(found, media_type=CONTENT_TYPE_PLAIN_0_0_4)


class Figures:
    """Reads a service's tables, how far its consumer is behind, and whether its relay publishes."""

    def __init__(
        self, sessions: Sessions, relay: Relay, consumer: Consumer | None, own: Sequence[Collector] = ()
    ) -> None:
        """Take what is to be read.

        Args:
            sessions: on the service's schema.
            relay: the one of this process.
            consumer: the one of this process, if the service reads events.
            own: what this service alone has.
        """
        self._sessions, self._relay, self._consumer, self._own = sessions, relay, consumer, own
        self._one_at_a_time = asyncio.Lock()
        self._read_at, self._read = -FRESH, list[Metric]()

    async def read(self) -> list[Metric]:
        """The figures; those of a database or a broker that does not answer in time are left out."""
        async with self._one_at_a_time:
            if time.monotonic() - self._read_at >= FRESH:
                parts = await asyncio.gather(self._tables(), self._lag())
                self._read = [metric for part in parts for metric in part]
                self._read_at = time.monotonic()
        return [*self._read, self._owner(), *(metric for each in self._own for metric in each.collect())]

    async def _tables(self) -> list[Metric]:
        try:
            async with asyncio.timeout(PATIENCE), self._sessions() as db:
                rows = (await db.execute(text(OUTBOX))).all()
                letters = (await db.execute(text(LETTERS))).all()
        except Exception as error:  # of whatever kind: what is counted is told all the same
            log.info("no figures of the tables: %s", type(error).__name__)
            return [_reached(0)]
        found = [_reached(1), *_outbox({state: number for state, number, _ in rows}, [age for *_, age in rows])]
        return [*found, self._letters({(topic, state): number for topic, state, number in letters})]

    def _letters(self, found: dict[tuple[str, str], int]) -> Metric:
        family = GaugeMetricFamily(
            "i2pcc_dead_letters",
            "Events put aside: to be tried again, or left to an operator.",
            labels=("topic", "state"),
        )
        topics = {*(self._consumer.handlers.topics if self._consumer else ()), *(topic for topic, _ in found)}
        for topic in sorted(topics):
            for state in LETTER_STATES:
                family.add_metric((topic, state), found.get((topic, state), 0))
        return family

    async def _lag(self) -> list[Metric]:
        if self._consumer is None:
            return []
        family = GaugeMetricFamily(
            "i2pcc_consumer_lag", "Events on a partition that are not applied yet.", labels=("topic", "partition")
        )
        try:
            async with asyncio.timeout(PATIENCE):
                found = await self._consumer.lag()
        except Exception as error:  # as above
            log.info("no lag: %s", type(error).__name__)
            return []
        for place, number in sorted(found.items()):
            family.add_metric((place.topic, str(place.partition)), number)
        return [family]

    def _owner(self) -> Metric:
        help_ = "Whether this process publishes the outbox; one of the service's does."
        return GaugeMetricFamily("i2pcc_relay_owner", help_, int(self._relay.owner))


class _Found(Collector):
    """Metrics as the writer of the text format takes them."""

    def __init__(self, found: Iterable[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterator[Metric]:
        yield from self._found


def _reached(number: int) -> Metric:
    return GaugeMetricFamily("i2pcc_database_up", "Whether the service's database answers.", number)


def _outbox(numbers: dict[str, int], ages: list[float]) -> list[Metric]:
    rows = GaugeMetricFamily("i2pcc_outbox_rows", "Events that are not on their topics yet.", labels=("state",))
    for state in ROW_STATES:
        rows.add_metric((state,), numbers.get(state, 0))
    return [rows, GaugeMetricFamily("i2pcc_outbox_oldest_seconds", "How long the oldest event is late.", oldest(ages))]
