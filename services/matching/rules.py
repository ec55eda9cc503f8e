"""Matching's decisions: how well a proposal answers a need, and what may happen to a match. Values in, values out."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from uuid import UUID, uuid5

from shared.events import MatchState
from shared.problems import conflict
from shared.vocabulary import Challenge, Language

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
TENTATIVE = (MatchState.FOUND, MatchState.PRESENTED)
"""A revision may still change these."""


@dataclass(frozen=True)
class Features:
    """What is known of one side when the two are compared."""

    language: Language
    challenges: frozenset[int]


@dataclass(frozen=True)
class Fit:
    """How well the two sides fit."""

    score: float
    """0 to 1."""
    challenges: tuple[int, ...]
    """Those that both come under."""
    reasons: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether this is a match."""
        return bool(self.challenges) and self.score >= THRESHOLD


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
    return Fit(score, tuple(shared), (*map(_challenge, shared), _closeness(lift)))


def _challenge(number: int) -> str:
    return f"Both under challenge {number}: {Challenge(number).title}"


def _closeness(lift: float) -> str:
    words = "very close" if lift > 0.05 else "close" if lift > 0.02 else "not far apart"
    return f"The titles are {words} in meaning ({lift:+.3f} against unrelated ones in these languages)"


def match_id(need: UUID, proposal: UUID) -> UUID:
    """The one id that this pair can have."""
    return uuid5(MATCHES, f"{need}/{proposal}")


def retractable(state: MatchState, *, withdrawn: bool) -> bool:
    """Whether a match ends when a side goes: a withdrawal still reaches what is accepted, nothing else does."""
    return state in TENTATIVE or (withdrawn and state is MatchState.ACCEPTED)


def answer(state: MatchState, version: int, seen: int) -> None:
    """Whether the region may answer this match now.

    Raises:
        Problem: 409 if it was answered, is gone, or is not what the caller has seen.
    """
    if state is not MatchState.PRESENTED:
        raise conflict(f"This match is {state}; only a presented match can be answered.")
    if version != seen:
        raise conflict(f"The match is at version {version}, you have seen {seen}; read it again before you answer.")


def best(fits: Iterable[tuple[UUID, Fit]], held: Container[UUID] = (), most: int = 10) -> dict[UUID, Fit]:
    """The good ones: those held already, and so many new ones, best first, that nobody is flooded.

    Ties are broken by id.
    """
    good = sorted((f for f in fits if f[1].good), key=lambda f: (-f[1].score, f[0]))
    new = [f for f in good if f[0] not in held]
    return dict([*(f for f in good if f[0] in held), *new[:most]])
