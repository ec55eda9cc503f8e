"""Whether probabilities hold: of all pairs that are said to be good in seven cases of ten, are seven of ten good?"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

BINS = 10
SMALLEST = 1e-12
"""A probability is never surer than this when its loss is told: one mistake would cost without end."""


@dataclass(frozen=True)
class Bin:
    """The pairs whose probabilities are in one range, 0.6 to 0.7 for instance."""

    low: float
    high: float
    count: int
    said: float
    """The mean of the probabilities."""
    good: float
    """The share that is good."""


def reliability(probabilities: Sequence[float], good: Sequence[bool], bins: int = BINS) -> list[Bin]:
    """What was said and what came of it, in ranges of equal width; those that nothing is in are left out."""
    places = defaultdict(list)
    for probability, is_good in zip(probabilities, good, strict=True):
        places[min(int(probability * bins), bins - 1)].append((probability, is_good))
    return [
        Bin(place / bins, (place + 1) / bins, len(pairs), mean([p for p, _ in pairs]), mean([g for _, g in pairs]))
        for place, pairs in sorted(places.items())
    ]


def calibration_error(bins: Sequence[Bin]) -> float:
    """How far what was said is from what came of it, 0 to 1: the mean over the bins, each weighing as its count."""
    total = sum(each.count for each in bins)
    return sum(each.count * abs(each.said - each.good) for each in bins) / total if total else 0.0


def log_losses(probabilities: Sequence[float], good: Sequence[bool]) -> list[float]:
    """What each probability costs: nothing if it was sure and right, the more the surer it was and wrong."""
    said = (p if is_good else 1 - p for p, is_good in zip(probabilities, good, strict=True))
    return [-math.log(max(each, SMALLEST)) for each in said]


def brier(probabilities: Sequence[float], good: Sequence[bool]) -> float:
    """The mean squared distance of what was said from what came of it, 0 to 1."""
    return mean([(p - is_good) ** 2 for p, is_good in zip(probabilities, good, strict=True)])


def agreement(probabilities: Sequence[float], good: Sequence[bool], groups: Sequence[object]) -> float | None:
    """Of a good and a not good pair of the same group, how often the good one has more, a tie being half.

    Returns:
        0 to 1; None if no group has both.
    """
    sides: dict[object, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for probability, is_good, group in zip(probabilities, good, groups, strict=True):
        sides[group][is_good].append(probability)
    won = [(high > low) + (high == low) / 2 for lows, highs in sides.values() for low, high in product(lows, highs)]
    return mean(won) if won else None


def mean(values: Sequence[float]) -> float:
    """The mean; 0 of nothing."""
    return math.fsum(values) / len(values) if values else 0.0
