"""Matching's decisions on texts: how well a proposal answers a need, or why not. Values in, values out."""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid5

from services.matching.constraints import NOTHING_KNOWN, Conditions, Terms, constraints
from services.matching.scoring.combiner import Combiner, sigmoid
from shared.vocabulary import Challenge

MATCHES = UUID("2a6d3c0e-8f0b-5c39-9d2e-51f1c8a7b9d4")
"""Namespace of match ids."""

THRESHOLD = 0.5
"""The probability from which on two sides are a match: it is more likely good than not."""
HALF = 0.5
"""Sharing half of the challenges says nothing more; measured on nothing yet, for no set names them."""
MOST_NAMED = 5
NEAREST = 5
"""Most misses, and most companies for a part, that are told of."""


@dataclass(frozen=True)
class Features(Terms):
    """What is known of one side when the two are compared."""

    challenges: frozenset[int]
    names: frozenset[str] = frozenset()
    """The technical names in its text."""
    has_body: bool = True


@dataclass(frozen=True)
class Fit:
    """How well the two sides fit."""

    score: float
    """The probability that this is a good match, 0 to 1, to three places."""
    challenges: tuple[int, ...]
    """Those that both come under."""
    reasons: tuple[str, ...]
    signals: Mapping[str, float] = field(default_factory=dict)
    """What the score was made of."""
    log_odds: float = 0.0
    """The score's, by which pairs are ordered: near 1 many scores are alike."""
    constraints: tuple[str, ...] = ()
    """What rules this out, however high the score."""
    passed: tuple[str, ...] = ()
    """What both state and agree on."""

    @property
    def failed(self) -> tuple[str, ...]:
        """Why this is no match; nothing, if it is one."""
        unshared = () if self.challenges else ("They come under no common challenge",)
        low = () if self.score >= THRESHOLD else (f"The score of {self.score} is below {THRESHOLD}",)
        return (*self.constraints, *unshared, *low)

    @property
    def good(self) -> bool:
        """Whether this is a match."""
        return not self.failed


def fit(
    need: Features, proposal: Features, seen: Mapping[str, float], combiner: Combiner, now: Conditions = NOTHING_KNOWN
) -> Fit:
    """Score a proposal against a need.

    Args:
        need: the need's side.
        proposal: the proposal's side.
        seen: the signals of the two texts.
        combiner: what weighs them.
        now: what holds on the day of matching.
    """
    shared = sorted(need.challenges & proposal.challenges)
    signals = {**seen, "challenges": overlap(need.challenges, proposal.challenges)}
    log_odds = combiner.log_odds(signals)
    checked = constraints(need, proposal, now)
    return Fit(
        round(sigmoid(log_odds), 3),
        tuple(shared),
        (
            *map(_challenge, shared),
            _closeness(sum(seen[name] for name in ("meaning", "second", "words"))),
            *_both_name(sorted(need.names & proposal.names)),
        ),
        signals,
        log_odds,
        tuple(each.words for each in checked if not each.passed),
        tuple(each.words for each in checked if each.passed),
    )


def overlap(one: Collection[int], other: Collection[int]) -> float:
    """How much of their challenges two sides share, from -1/2 for nothing to 1/2 for all."""
    return 2 * len({*one} & {*other}) / (len({*one}) + len({*other})) - HALF


def _challenge(number: int) -> str:
    return f"Both under challenge {number}: {Challenge(number).title}"


def _both_name(names: Sequence[str]) -> Sequence[str]:
    return [f"Both name: {', '.join(names[:MOST_NAMED])}"] if names else []


def _closeness(near: float) -> str:
    words = "very close" if near > 4 else "close" if near > 3 else "not far apart"
    return f"The texts are {words} in meaning ({near:+.1f} deviations from unrelated ones in these languages)"


def match_id(need: UUID, proposal: UUID) -> UUID:
    """The one id that this pair can have."""
    return uuid5(MATCHES, f"{need}/{proposal}")


def best(fits: Iterable[tuple[UUID, Fit]], held: Container[UUID] = (), most: int = 10) -> dict[UUID, Fit]:
    """The good ones: those held already, and so many new ones, best first, that nobody is flooded.

    Ties are broken by id.
    """
    good = sorted((f for f in fits if f[1].good), key=lambda f: (-f[1].log_odds, -f[1].score, f[0]))
    new = [f for f in good if f[0] not in held]
    return dict([*(f for f in good if f[0] in held), *new[:most]])


def nearest(fits: Iterable[tuple[UUID, Fit]]) -> dict[UUID, Fit]:
    """The misses, best first, ties by id."""
    misses = sorted((f for f in fits if not f[1].good), key=lambda f: (-f[1].log_odds, -f[1].score, f[0]))
    return dict(misses[:NEAREST])
