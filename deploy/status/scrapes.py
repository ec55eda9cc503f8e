"""What goes through a service, a second: from two looks at its /metrics."""

import time
from collections import Counter
from dataclasses import dataclass

import httpx
from prometheus_client.core import Sample
from prometheus_client.parser import text_string_to_metric_families

PATIENCE = 3.0
"""Seconds that a service gets to tell its figures: of its tables it gives them up after two."""
REQUESTS = "i2pcc_http_request_duration_seconds"


@dataclass(frozen=True)
class Scrape:
    """What a service had counted by a moment: requests for its API alone, and all events."""

    moment: float
    """Seconds, of a clock that is good for differences alone."""
    started: float
    """When the process began, so that another one's counts are never taken for its."""
    counts: Counter[str]


@dataclass(frozen=True)
class Rates:
    """Between two scrapes, a second."""

    requests: float
    failures: float
    """Those that were the service's fault."""
    milliseconds: float | None
    """A request's mean; None if there was none."""
    published: float
    applied: float


async def scrape(http: httpx.AsyncClient, url: str) -> Scrape | None:
    """Look once; None if the service does not answer."""
    try:
        answer = await http.get(f"{url}/metrics", timeout=PATIENCE)
        answer.raise_for_status()
    except httpx.HTTPError:
        return None
    counts: Counter[str] = Counter()
    started = 0.0
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            if sample.name == "process_start_time_seconds":
                started = sample.value
            for name in _counted(sample):
                counts[name] += sample.value  # type: ignore[assignment]
    return Scrape(time.monotonic(), started, counts)


def _counted(sample: Sample) -> list[str]:
    match sample.name.removeprefix(REQUESTS):
        case "_count" if sample.labels["route"].startswith("/v1/"):
            return ["requests", "failures"] if sample.labels["status"] == "5xx" else ["requests"]
        case "_sum" if sample.labels["route"].startswith("/v1/"):
            return ["seconds"]
        case "i2pcc_events_published_total":
            return ["published"]
        case "i2pcc_events_consumed_total":
            return ["applied"]
    return []


def rates(before: Scrape | None, after: Scrape | None) -> Rates | None:
    """What there was between them; None if one is missing, or the process is another one."""
    if before is None or after is None or before.started != after.started or after.moment <= before.moment:
        return None
    seconds = after.moment - before.moment
    done = {name: after.counts[name] - before.counts[name] for name in after.counts.keys() | before.counts.keys()}
    requests = done.get("requests", 0)
    return Rates(
        requests=requests / seconds,
        failures=done.get("failures", 0) / seconds,
        milliseconds=1_000 * done.get("seconds", 0) / requests if requests else None,
        published=done.get("published", 0) / seconds,
        applied=done.get("applied", 0) / seconds,
    )
