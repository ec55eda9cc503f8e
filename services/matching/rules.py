"""Matching's decisions on texts: how well a proposal answers a need, or why not. Values in, values out."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from uuid import UUID, uuid5

from shared.vocabulary import Challenge, Language, Partnership, Region

MODEL = "title-e5small-1"
"""Names what scored a match; a change of `fit` or of the embedding is a new name."""
MATCHES = UUID("2a6d3c0e-8f0b-5c39-9d2e-51f1c8a7b9d4")
"""Namespace of match ids."""

UNRELATED = {
    frozenset({Language.CHINESE}): 0.908,
    frozenset({Language.ENGLISH}): 0.850,
    frozenset({Language.DUTCH}): 0.891,
    frozenset({Language.CHINESE, Language.ENGLISH}): 0.816,
    frozenset({Language.CHINESE, Language.DUTCH}): 0.824,
    frozenset({Language.ENGLISH, Language.DUTCH}): 0.841,
}
"""Mean cosine of titles that share no challenge, by their languages: one cut-off for all would be none."""
OVERLAP = 0.03
"""What sharing all challenges adds to the lift above the mean."""
LEAST, MOST = 0.02, 0.10
"""The sums that are shown as 0 and 1."""
THRESHOLD = 0.31
"""Between the lowest pair of the sample that people call a match and the highest that they do not."""
ELSEWHERE = 0.86
"""Mean cosine of unrelated titles in Dutch and English: a stronghold does not say which of them it is in."""
NEAREST = 5
"""Most misses, and most companies for a part, that are told of."""


@dataclass(frozen=True)
class Features:
    """What is known of one side when the two are compared."""

    language: Language
    challenges: frozenset[int]
    regions: frozenset[Region] = frozenset()
    """The need's own, or those that the proposal prefers; all of them if there is none."""
    trl: int | None = None
    """The least that the need asks for, or how far the proposal has come."""
    partnerships: frozenset[Partnership] = frozenset()
    """All of them if there is none."""


@dataclass(frozen=True)
class Fit:
    """How well the two sides fit."""

    score: float
    """0 to 1."""
    challenges: tuple[int, ...]
    """Those that both come under."""
    reasons: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    """What rules this out, however high the score."""

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


def fit(need: Features, proposal: Features, cosine: float) -> Fit:
    """Score a proposal against a need.

    Args:
        need: the need's side.
        proposal: the proposal's side.
        cosine: of the two titles' vectors, -1 to 1.
    """
    shared = sorted(need.challenges & proposal.challenges)
    overlap = 2 * len(shared) / (len(need.challenges) + len(proposal.challenges))
    lift = cosine - UNRELATED[frozenset({need.language, proposal.language})]
    score = round(min(1.0, max(0.0, (lift + OVERLAP * overlap - LEAST) / (MOST - LEAST))), 3)
    return Fit(score, tuple(shared), (*map(_challenge, shared), _closeness(lift)), constraints(need, proposal))


def constraints(need: Features, proposal: Features) -> tuple[str, ...]:
    """What rules this pair out. What either side leaves open never does."""
    found = []
    if proposal.regions and not need.regions <= proposal.regions:
        found.append("The proposal prefers other regions")
    if need.trl and proposal.trl and proposal.trl < need.trl:
        found.append(f"The need asks for technology readiness level {need.trl}; the proposal has {proposal.trl}")
    if need.partnerships and proposal.partnerships and not need.partnerships & proposal.partnerships:
        found.append("They seek different kinds of partnership")
    return tuple(found)


def closeness(cosine: float) -> float:
    """How near what a company is good at is to what a part asks for: 0 as unrelated titles are, 1 the same words."""
    return round(min(1.0, max(0.0, (cosine - ELSEWHERE) / (1 - ELSEWHERE))), 3)


def _challenge(number: int) -> str:
    return f"Both under challenge {number}: {Challenge(number).title}"


def _closeness(lift: float) -> str:
    words = "very close" if lift > 0.05 else "close" if lift > 0.02 else "not far apart"
    return f"The titles are {words} in meaning ({lift:+.3f} against unrelated ones in these languages)"


def match_id(need: UUID, proposal: UUID) -> UUID:
    """The one id that this pair can have."""
    return uuid5(MATCHES, f"{need}/{proposal}")


def best(fits: Iterable[tuple[UUID, Fit]], held: Container[UUID] = (), most: int = 10) -> dict[UUID, Fit]:
    """The good ones: those held already, and so many new ones, best first, that nobody is flooded.

    Ties are broken by id.
    """
    good = sorted((f for f in fits if f[1].good), key=lambda f: (-f[1].score, f[0]))
    new = [f for f in good if f[0] not in held]
    return dict([*(f for f in good if f[0] in held), *new[:most]])


def nearest(fits: Iterable[tuple[UUID, Fit]]) -> dict[UUID, Fit]:
    """The misses, best first, ties by id."""
    misses = sorted((f for f in fits if not f[1].good), key=lambda f: (-f[1].score, f[0]))
    return dict(misses[:NEAREST])
