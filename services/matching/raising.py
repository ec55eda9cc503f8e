"""What would have raised a score, if it is so: nothing here asks anybody to say what is not true."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from services.matching.rules import Features, fit
from services.matching.scoring.combiner import Combiner
from services.matching.scoring.scorer import MOST_NAMES, by_names
from shared.vocabulary import Challenge

LEAST = 0.005
"""A score that rises by less is not worth a word."""


class Kind(StrEnum):
    """What could be otherwise."""

    CHALLENGE = "challenge"
    NAMES = "names"
    BODY = "body"
    TRL = "trl"
    CAPACITY = "capacity"


@dataclass(frozen=True)
class Change:
    """One thing that could be otherwise."""

    kind: Kind
    words: str
    """A sentence in English, of numbers and the platform's own words alone."""
    score: float | None = None
    """What it would be then; none, if that depends on what is added, or if it is checked and not scored."""
    terms: tuple[str, ...] = ()
    """The technical names that it is about."""


def raises(need: Features, proposal: Features, seen: Mapping[str, float], combiner: Combiner) -> tuple[Change, ...]:
    """What would have raised the score of a proposal for a need; those that raise it most come first.

    Args:
        need: the need's side.
        proposal: the proposal's side.
        seen: the signals of the two texts.
        combiner: what weighs them.
    """
    now = fit(need, proposal, seen, combiner).score
    scored = [*_challenges(need, proposal, seen, combiner), *_names(need, proposal, seen, combiner)]
    worth = [change for change in scored if (change.score or 0) >= now + LEAST]
    return (*sorted(worth, key=lambda change: -(change.score or 0)), *_unsaid(need, proposal))


def _challenges(need: Features, proposal: Features, seen: Mapping[str, float], combiner: Combiner) -> Iterator[Change]:
    """Each challenge of the need that the proposal does not come under."""
    for number in sorted(need.challenges - proposal.challenges):
        other = replace(proposal, challenges=proposal.challenges | {number})
        score = fit(need, other, seen, combiner).score
        words = (
            f"If the proposal comes under challenge {number} too ({Challenge(number).title}), it would be {score:.2f}"
        )
        yield Change(Kind.CHALLENGE, words, score)


def _names(need: Features, proposal: Features, seen: Mapping[str, float], combiner: Combiner) -> Iterator[Change]:
    """The technical names that only the need has, as far as they would count."""
    missing = sorted({*need.names} - {*proposal.names})
    count = min(len(missing), math.ceil(MOST_NAMES - seen["names"]))
    if count > 0:
        named = by_names(need.names, {*proposal.names, *missing[:count]})
        score = fit(need, proposal, {**seen, "names": named}, combiner).score
        words = (
            f"The need uses {_counted(len(missing))} that the proposal does not: if it is about {_as_many(count)} of "
            f"them and says so, it would be {score:.2f}"
        )
        yield Change(Kind.NAMES, words, score, tuple(missing))


def _unsaid(need: Features, proposal: Features) -> Iterable[Change]:
    """What one side leaves open: that it would fit is not known, and no score is told."""
    for side, name in ((proposal, "proposal"), (need, "need")):
        if not side.has_body:
            yield Change(Kind.BODY, f"The {name} has no text but its title: what it says in a body would be compared")
    if need.trl and not proposal.trl:
        words = "The proposal states no technology readiness level; the need asks for one. Stated, it would be checked"
        yield Change(Kind.TRL, words)
    if need.sizes and not proposal.sizes:
        words = "The proposal states no range of scale; the need asks for a capacity. Stated, it would be checked"
        yield Change(Kind.CAPACITY, words)


def _counted(count: int) -> str:
    return f"{count} technical name{'s' if count > 1 else ''}"


def _as_many(count: int) -> str:
    return "any one" if count == 1 else f"any {count}"
