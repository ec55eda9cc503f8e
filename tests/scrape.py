"""What a running service tells at /metrics, and what this process has counted."""

from collections.abc import Iterable
from typing import TypeAlias

import httpx
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

Labels: TypeAlias = frozenset[tuple[str, str]]


class Scrape:
    """Samples by name and labels."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self.samples: dict[tuple[str, Labels], float] = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for metric in metrics
            for sample in metric.samples
        }

    def __call__(self, name: str, **labels: str) -> float:
        """The sum of the samples of this name that have these labels, be there none."""
        return sum(value for (found, has), value in self.samples.items() if found == name and labels.items() <= has)

    @property
    def names(self) -> set[str]:
        """What there is."""
        return {name for name, _ in self.samples}

    def values(self, name: str, label: str) -> set[str]:
        """What a label of this name is."""
        return {dict(has)[label] for found, has in self.samples if found == name and label in dict(has)}


async def scraped(http: httpx.AsyncClient, url: str) -> Scrape:
    """What a service tells now."""
    answer = await http.get(f"{url}/metrics")
    assert answer.status_code == 200
    return Scrape(text_string_to_metric_families(answer.text))
