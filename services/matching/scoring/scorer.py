"""What is seen of a need and a proposal: the signals that the combiner weighs."""

from collections.abc import Mapping, Sequence, Set

import numpy as np

from services.matching.scoring.background import HUB, WORDS, Background, Matrix, Pairing, Prepared, Side, similarities
from services.matching.scoring.encoders import models

Signals = Mapping[str, float]
"""Of one pair, by name."""


def signals(background: Background, needs: Sequence[Prepared], proposals: Sequence[Prepared]) -> dict[str, Matrix]:
    """What is seen of each need with each proposal, all needs in one language and all proposals in one."""
    pairing = background.pairing(needs[0].language, proposals[0].language)
    seen = {name: _corrected(pairing, needs, proposals, name) for name in pairing.weights}
    nothing = np.zeros((len(needs), len(proposals)), np.float32)
    words = sum((seen.pop(name) for name in WORDS if name in seen), nothing)
    return {
        "meaning": seen.pop(models(needs[0].language)[0]) - background.excess,
        "second": next(iter(seen.values()), nothing),
        "words": words,
    }


def _corrected(pairing: Pairing, needs: Sequence[Prepared], proposals: Sequence[Prepared], name: str) -> Matrix:
    """A closeness in the pairing's own deviations, weighted: what it adds to the sum."""
    usual, weight = pairing.usual[name], pairing.weights[name] / pairing.deviation
    of_needs = np.array([need.hubs[name, proposals[0].language] for need in needs], np.float32)
    of_proposals = np.array([proposal.hubs[name, needs[0].language] for proposal in proposals], np.float32)
    hubs = HUB[Side.NEED] * of_needs[:, None] + HUB[Side.PROPOSAL] * of_proposals[None]
    return np.asarray(weight * (similarities(needs, proposals, name) - hubs - usual.mean) / usual.deviation, np.float32)


MOST_NAMES = 3
"""Names beyond these say no more."""
ORDINARY = 12
"""Names that a text holds at most; of one that holds more each counts less, so that a list of them gains nothing. Of
8,559 texts that were counted none held more than four, and of the demo's none more than eleven."""


def seen(background: Background, side: Side, one: Prepared, others: Sequence[Prepared]) -> list[dict[str, float]]:
    """The signals of one text with each of the other side's.

    Args:
        background: what they are measured against.
        side: of the one.
        one: the text.
        others: its counterparts, in any language.
    """
    found: list[dict[str, float]] = [{} for _ in others]
    for language in {other.language for other in others}:
        places = [place for place, other in enumerate(others) if other.language is language]
        these = [others[place] for place in places]
        pair = ([one], these) if side is Side.NEED else (these, [one])
        for name, matrix in signals(background, *pair).items():
            for place, value in zip(places, matrix.ravel().tolist(), strict=True):
                found[place][name] = value
    for other, signal in zip(others, found, strict=True):
        signal["names"] = by_names(one.names, other.names)
    return found


def by_names(one: Set[str], other: Set[str]) -> float:
    """What the technical names that two texts share say of them."""
    fullest = max(len(one), len(other), ORDINARY)
    return min(float(MOST_NAMES), len(one & other) * ORDINARY / fullest)
