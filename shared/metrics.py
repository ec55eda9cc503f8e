"""What a process counts, for Prometheus. Labels are methods, route templates, topics, types: never an id or a person.

Prometheus has no use for when each series was made, so that is left out. What is not counted but
read when it is asked for (tables, lag) is in figures.py.
"""

import time
from collections import Counter as Tally
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any

from prometheus_client import Counter, Histogram, disable_created_metrics
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.events import CATALOG, Event

disable_created_metrics()  # type: ignore[no-untyped-call]

REQUESTS = Histogram(
    "i2pcc_http_request_duration_seconds",
    "Requests answered, from the end of their head to the end of the answer.",
    ("method", "route", "status"),
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
REFUSED = Counter(
    "i2pcc_http_refused",
    "Requests refused before any route: not HTTP, too slow, too large a head, too many connections.",
    ("status",),
)
PUBLISHED = Counter("i2pcc_events_published", "Events that Kafka has acknowledged.", ("topic", "type"))
CONSUMED = Counter(
    "i2pcc_events_consumed", "Events applied and committed; one that came twice counts twice.", ("type",)
)
DUPLICATES = Counter("i2pcc_inbox_duplicates", "Events that a reaction has seen before, and let pass.", ("type",))

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
"""A method that HTTP does not name, a path that no route has."""


def begin_at_zero(service: str, read: Iterable[type[Event]]) -> None:
    """Show what this service may publish and what it reads before it does: the first of a kind would be no increase."""
    for kind in CATALOG.values():
        if kind.__module__ == f"shared.events.{service}":
            PUBLISHED.labels(kind.topic, kind.__name__)
    for kind in read:
        CONSUMED.labels(kind.__name__)
        DUPLICATES.labels(kind.__name__)


def count_published(rows: Iterable[Any]) -> None:
    """Count rows of the outbox that are on their topics."""
    for (topic, kind), number in Tally(map(itemgetter("topic", "type"), rows)).items():
        PUBLISHED.labels(topic, kind).inc(number)


def count_consumed(events: Iterable[Event], again: Iterable[Event]) -> None:
    """Count events whose transaction has been committed, and those among them that no reaction took again."""
    for counter, found in ((CONSUMED, events), (DUPLICATES, again)):
        for kind, number in Tally(map(type, found)).items():
            counter.labels(kind.__name__).inc(number)


@cache
def _of(method: str, route: str, status: int) -> Histogram:
    """The series of some requests: to look one up takes longer than to count in it, and there are not many."""
    return REQUESTS.labels(method, route, f"{status}xx")


@dataclass(frozen=True)
class Measured:
    """Measures what an application answers, by the template of the route that answered it."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Measure one request; one that ends without an answer counts as a failure of ours."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        began, status = time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            method = scope["method"] if scope["method"] in METHODS else OTHER
            route = getattr(scope.get("route"), "path", OTHER)
            _of(method, route, status // 100).observe(time.perf_counter() - began)
        return None
