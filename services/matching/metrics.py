"""What matching counts."""

from collections.abc import Iterator

from prometheus_client import Counter
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from shared.events import (
    MatchAccepted,
    MatchDeclined,
    MatchExpired,
    MatchFacts,
    MatchFound,
    MatchIntroduced,
    MatchPresented,
    MatchReminded,
    MatchRetracted,
    MatchShortlisted,
    MatchVetoed,
    OutcomeReported,
)
from shared.metrics import PUBLISHED

EMBEDDINGS = Counter(
    "i2pcc_embeddings", "Texts whose vectors were wanted: held in the table, or made anew.", ("model", "result")
)
STEPS = {
    MatchFound: "found",
    MatchShortlisted: "shortlisted",
    MatchVetoed: "vetoed",
    MatchPresented: "presented",
    MatchReminded: "reminded",
    MatchAccepted: "accepted",
    MatchDeclined: "declined",
    MatchExpired: "expired",
    MatchIntroduced: "introduced",
    MatchRetracted: "retracted",
    OutcomeReported: "reported",
}


class Matches(Collector):
    """What became of matches, by step: each is told on the matches' topic once, and counted there."""

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Read the counts of what was published; accepted and declined together are the answers."""
        told = {
            sample.labels["type"]: sample.value
            for metric in PUBLISHED.collect()
            for sample in metric.samples
            if sample.name == "i2pcc_events_published_total" and sample.labels["topic"] == MatchFacts.topic
        }
        family = CounterMetricFamily("i2pcc_matches", "Steps that matches have taken.", labels=("step",))
        for kind, step in STEPS.items():
            family.add_metric((step,), told.get(kind.__name__, 0))
        yield family
