"""The small set of companies that together covers a need's parts best: exact, by integer programming.

Rules as in rules.py: values in, a decision out. Closeness is counted in thousandths, so that sums are exact and a tie
is one. One company that covers everything is no consortium, and the best set is not made worse to have a second one:
then there is nothing to suggest, and what that company can do is a proposal's business.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from services.matching.rules import THRESHOLD

COVERED = THRESHOLD
"""From this closeness, a probability, on a part counts as covered: as with matches, it is more likely good than not.
Measured on short titles, pairs of different things that share a number come up to 0.49."""
PRICE = 0.3
"""What a company has to add to what the others cover, in closeness: each more is one more to agree with. That is less
than a part that nobody else covers, and more than nine of ten times the wording of one offer makes of difference."""
MOST = 5
"""Companies of a consortium: more are rarely led from one side."""
OFTEN = 3
"""Suggestions for one need, and so the most that any company gets for it: each is a mail to all of them."""
THOUSAND = 1_000
BLOCK = 16
"""Companies whose order by id is settled in one go: the weights stay small enough for the solver's tolerances."""

Offers = Mapping[UUID, Sequence[float]]
"""Of each company, with which probability what it offers is good for each of the need's parts: 0 to 1."""
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Covered:
    """A part of a need, and who brings it."""

    part: int
    """Its place among the need's parts, from 1."""
    company_id: UUID
    closeness: float
    """0 to 1, higher is better."""


@dataclass(frozen=True)
class Consortium:
    """A set of companies of which each covers a part that no other covers as well."""

    members: tuple[UUID, ...]
    """The lead first: who covers most parts; of those the one that comes closest, then the lowest id."""
    coverage: tuple[Covered, ...]
    """Part by part."""
    gaps: tuple[int, ...]
    """The parts that nobody covers."""
    score: float
    """The mean closeness over all of the need's parts; a gap counts as 0."""


def compose(parts: int, offers: Offers) -> Consortium | None:
    """The set of companies that covers most for its size, or nothing if fewer than two are needed for that.

    Args:
        parts: how many the need has.
        offers: those who may be suggested, with how close they come to each part.

    Of sets that are worth the same, the smallest; of those the one whose ids come first.
    """
    companies = _useful(offers)
    chosen = _best(_gains(companies, offers)) if len(companies) > 1 else []
    return _consortium(parts, offers, [companies[place] for place in chosen]) if len(chosen) > 1 else None


def covered(offers: Offers, members: Collection[UUID]) -> float:
    """How much these companies cover together: the sum of the parts' closeness."""
    rows = [_thousandths(offers[each]) for each in members if each in offers]
    return sum(map(max, zip(*rows, strict=True))) / THOUSAND if rows else 0.0


def is_news(offers: Offers, found: Consortium, earlier: Sequence[Collection[UUID]]) -> bool:
    """Whether to suggest this set after these: another one that covers more of the need, as things stand now.

    An earlier set counts for what its companies offer today: what they no longer offer has to be looked for again.
    """
    if len(earlier) >= OFTEN or {*found.members} in map(set, earlier):
        return False
    most = max((covered(offers, each) for each in earlier), default=None)
    return most is None or covered(offers, found.members) >= round(most + PRICE, 3)


def _useful(offers: Offers) -> list[UUID]:
    """By id: those who cover something, unless one with a lower id covers all of it as well."""
    kept: dict[UUID, Whole] = {}
    for company in sorted(offers):
        row = np.array(_thousandths(offers[company]))
        if row.any() and not any((other >= row).all() for other in kept.values()):
            kept[company] = row
    return list(kept)


def _gains(companies: Sequence[UUID], offers: Offers) -> Whole:
    return np.array([_thousandths(offers[company]) for company in companies])


def _thousandths(row: Sequence[float]) -> list[int]:
    return [round(THOUSAND * closeness) if closeness >= COVERED else 0 for closeness in row]


class _Problem:
    """Binary: who takes part. Between 0 and 1: who brings what, at most one company a part."""

    def __init__(self, gains: Whole) -> None:
        self.companies, parts = gains.shape
        by, what = np.nonzero(gains)
        size, pairs = self.companies + len(by), self.companies + np.arange(len(by))
        one = np.ones(len(by))
        brings = coo_array((one, (what, pairs)), (parts, size))
        takes_part = coo_array(
            (np.concatenate([one, -one]), (np.tile(np.arange(len(by)), 2), np.concatenate([pairs, by]))),
            (len(by), size),
        )
        self.few = np.array([1.0] * self.companies + [0.0] * len(by))
        # A tie goes to the smaller set: a company is a little dearer than its price, and everything else ten times it.
        self.worth = np.concatenate([np.full(self.companies, -10 * PRICE * THOUSAND - 1), 10 * gains[by, what]])
        self._rules = [
            LinearConstraint(brings.tocsr(), ub=1),
            LinearConstraint(takes_part.tocsr(), ub=0),
            LinearConstraint(self.few, ub=MOST),
        ]
        self.least, self.most = np.zeros(size), np.ones(size)

    def solve(self, most_of: NDArray[np.float64], *more: Any) -> Whole:
        """Who takes part where `most_of` is largest."""
        found = milp(
            -most_of,
            integrality=self.few,
            bounds=Bounds(self.least, self.most),
            constraints=[*self._rules, *more],
            options={"mip_rel_gap": 0},
        )
        assert found.x is not None, found.message
        whole: Whole = np.rint(found.x).astype(np.int64)[: self.companies]
        return whole


def _best(gains: Whole) -> list[int]:
    """The places of the companies that are worth most; of sets that are worth the same, the first by place."""
    problem = _Problem(gains)
    found = problem.solve(problem.worth)
    best = LinearConstraint(problem.worth, lb=_worth(gains, found) - 0.5)
    for start in range(0, problem.companies, BLOCK):
        block = np.arange(start, min(start + BLOCK, problem.companies))
        first = np.zeros(len(problem.worth))
        first[block] = 2.0 ** np.arange(len(block))[::-1]
        found = problem.solve(first, best)
        problem.least[block] = problem.most[block] = found[block]
    return [int(place) for place in np.flatnonzero(found)]


def _worth(gains: Whole, chosen: Whole) -> float:
    """What `_Problem.worth` comes to for a set, without the solver's rounding."""
    together = int(gains[chosen > 0].max(axis=0).sum()) if chosen.any() else 0
    return 10 * together - (10 * PRICE * THOUSAND + 1) * int(chosen.sum())


def _consortium(parts: int, offers: Offers, members: Sequence[UUID]) -> Consortium:
    rows = {each: _thousandths(offers[each]) for each in sorted(members)}
    brought = []
    for part in range(parts):
        company = max(rows, key=lambda each: rows[each][part])  # the first by id, where several come as close
        if rows[company][part]:
            brought.append(Covered(part + 1, company, rows[company][part] / THOUSAND))
    gaps = tuple(sorted({*range(1, parts + 1)} - {each.part for each in brought}))
    score = round(sum(each.closeness for each in brought) / parts, 3)
    return Consortium(_lead_first(members, brought), tuple(brought), gaps, score)


def _lead_first(members: Sequence[UUID], brought: Sequence[Covered]) -> tuple[UUID, ...]:
    mine = {each: [one.closeness for one in brought if one.company_id == each] for each in members}
    return tuple(sorted(members, key=lambda each: (-len(mine[each]), -round(sum(mine[each]), 3), each)))
