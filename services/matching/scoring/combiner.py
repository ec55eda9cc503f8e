"""From what was seen of a pair to the probability that it is a good match: a weighted sum, and nothing hidden in it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

SIGNALS = ("meaning", "second", "words", "names", "challenges")
"""What is seen of a pair, each higher the better: the first and the second model's closeness, shared words, shared
technical names, shared challenges."""
BASE = "base"
"""The part of a score that any pair has, before anything is seen of it."""
NEAR_ZERO = 1e-6
"""Weighted signals that sum to less than this, either way, are on the curve's tangent."""


@dataclass(frozen=True)
class Combiner:
    """A monotone combination: log-odds are the bias plus weighted signals."""

    version: str
    bias: float
    weights: Mapping[str, float]
    """By signal; none is negative."""

    def log_odds(self, signals: Mapping[str, float]) -> float:
        """Of the pair being a good match."""
        return self.bias + sum(self.weights[name] * value for name, value in signals.items())

    def probability(self, signals: Mapping[str, float]) -> float:
        """That the pair is a good match, 0 to 1."""
        return sigmoid(self.log_odds(signals))

    def parts(self, signals: Mapping[str, float]) -> dict[str, float]:
        """What each signal adds to the probability, beside `base`: it is their sum.

        Together the signals take the pair along the curve from `base` to its probability; each has the share of that
        which its weighted value has in the sum of all, with the value's own sign.
        """
        base, weighted = sigmoid(self.bias), {name: self.weights[name] * value for name, value in signals.items()}
        total = sum(weighted.values())
        steepness = (sigmoid(self.bias + total) - base) / total if abs(total) > NEAR_ZERO else base * (1 - base)
        return {BASE: base} | {name: steepness * value for name, value in weighted.items()}


def sigmoid(log_odds: float) -> float:
    """The probability with these log-odds, however large they are."""
    if log_odds >= 0:
        return 1 / (1 + math.exp(-log_odds))
    return math.exp(log_odds) / (1 + math.exp(log_odds))


SHIPPED = Combiner("1", -4.5, {"meaning": 1.4, "second": 1.4, "words": 1.4, "names": 0.3, "challenges": 1.0})
"""Round weights, measured apart from any platform's answers (ADR 11)."""
