"""Fitting a combiner to judged pairs: a logistic regression that never leaves its prior far for little reason."""

import random
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from scipy.optimize import minimize

from services.matching.scoring.combiner import SIGNALS, Combiner

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

RIDGE = 10.0
"""How hard the prior holds each weight: as ten answers on pairs where that signal is 2 and the outcome wholly open."""
NEGATIVES = 20
"""How many pairs of each need, unjudged and drawn by chance, are taken to be no match."""
FOLDS = 5


@dataclass(frozen=True)
class Case:
    """A pair that was judged."""

    need: str
    signals: Mapping[str, float]
    good: bool


Fit = Callable[[Sequence[Case]], Combiner]


def fitted(cases: Sequence[Case], prior: Combiner) -> Combiner:
    """The combiner that says best what became of these pairs, held by a prior (`RIDGE`).

    Judged are pairs that were shown to somebody, and what is shown was chosen by a high score: of the many pairs that
    have nothing to do with each other nobody says so. A fit to the answers alone could forget them, and call any pair
    as good as half of what was shown. So each need also brings `NEGATIVES` pairs of which nothing speaks (all signals
    0), as probable as the prior says. What is learned holds for pairs like those that were shown; for the others
    it is a guess between the two.
    """
    held = np.array([prior.bias, *(prior.weights[name] for name in SIGNALS)])
    unseen = NEGATIVES * len({case.need for case in cases})
    rows = np.vstack([_rows(cases), np.eye(1, len(held))])
    good = np.array([*(float(case.good) for case in cases), prior.probability({})])
    counts = np.array([*(1.0 for _ in cases), float(unseen)])
    bias, *weights = _least(rows, good, counts, held, RIDGE)
    return Combiner("fitted", bias, dict(zip(SIGNALS, weights, strict=True)))


def calibrated(sets: Sequence[Sequence[Case]], present: Combiner) -> Combiner:
    """The present combiner with another bias, and all weights multiplied by one number, so that probabilities hold.

    Args:
        sets: weigh the same together, however many cases each has; their share of negatives is the promise's.
        present: ranks as before.
    """
    cases = [case for each in sets for case in each]
    ranked = np.array([present.log_odds(case.signals) - present.bias for case in cases])
    rows = np.column_stack([np.ones(len(cases)), ranked])
    good = np.array([float(case.good) for case in cases])
    counts = np.array([len(cases) / len(each) for each in sets for _ in each])
    bias, scale = _least(rows, good, counts, np.array([present.bias, 1.0]))
    return Combiner("calibrated", bias, {name: scale * weight for name, weight in present.weights.items()})


def unjudged(need: str, proposals: Sequence[str], judged: Container[str], most: int = NEGATIVES) -> list[str]:
    """Proposals, drawn by chance but each time the same, that nobody has judged for this need."""
    left = [proposal for proposal in proposals if proposal not in judged]
    return random.Random(need).sample(left, min(most, len(left)))


def cross_fitted(cases: Sequence[Case], fit: Fit, folds: int = FOLDS) -> list[float]:
    """Each case's probability, by a combiner that was fitted without any case of its need."""
    fold = _folds(cases, folds)
    combiners = [fit([case for case in cases if fold[case.need] != each]) for each in range(max(fold.values()) + 1)]
    return [combiners[fold[case.need]].probability(case.signals) for case in cases]


def _folds(cases: Sequence[Case], folds: int) -> dict[str, int]:
    """Each need's fold: by chance, each time the same."""
    needs = sorted({case.need for case in cases})
    random.Random(0).shuffle(needs)
    return {need: place % folds for place, need in enumerate(needs)}


def _rows(cases: Sequence[Case]) -> Numbers:
    return np.array([[1.0, *(case.signals.get(name, 0.0) for name in SIGNALS)] for case in cases])


def _least(rows: Numbers, good: Numbers, counts: Numbers, start: Numbers, ridge: float = 0.0) -> list[float]:
    """The bias and the weights, none below 0, whose loss is least."""

    def loss(x: Numbers) -> tuple[float, Numbers]:
        log_odds, moved = rows @ x, x - start
        losses = np.logaddexp(0, log_odds) - good * log_odds
        misses = np.exp(-np.logaddexp(0, -log_odds)) - good
        return float(counts @ losses + ridge / 2 * moved @ moved), rows.T @ (counts * misses) + ridge * moved

    bounds = [(None, None), *[(0.0, None)] * (len(start) - 1)]
    found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B", options={"ftol": 1e-12, "gtol": 1e-7})
    return [float(each) for each in found.x]
