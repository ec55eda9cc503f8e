"""The parts that add up to a score, in words for people."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.matching.scoring.combiner import BASE, Combiner
from services.matching.scoring.scorer import MOST_NAMES

DIGITS = 4
"""Of a part's points."""


@dataclass(frozen=True)
class Part:
    """What one thing that was seen adds to a score, or takes from it."""

    name: str
    points: float
    """Of the probability, -1 to 1."""
    words: str
    """A sentence in English."""


def parts_of(combiner: Combiner, signals: Mapping[str, float], *, across: bool) -> tuple[Part, ...]:
    """The parts of a score, the base first and then by what they add.

    Args:
        combiner: what weighs the signals.
        signals: what was seen of the pair.
        across: whether its texts are in two languages.
    """
    points = combiner.parts(signals)
    order = sorted(points, key=lambda name: (name != BASE, -points[name], name))
    return tuple(
        Part(name, round(points[name], DIGITS), _words(name, signals.get(name, 0.0), across=across)) for name in order
    )


def _words(name: str, value: float, *, across: bool) -> str:
    match name:
        case "base":
            return "Where every pair begins, before anything is seen of it"
        case "meaning":
            return f"The texts' meaning, as the first language model reads it: {_against(value)}"
        case "second":
            return f"Their meaning, as a second language model reads it: {_against(value)}"
        case "words" if across:
            return "The texts are in two languages: shared words do not count"
        case "words":
            return f"Words that both use, rare ones counting more: {_against(value)}"
        case "names":
            return f"Technical names that both use: {value:.2g} ({MOST_NAMES} count at most)"
        case _:
            return f"Challenges: the two share {_share(value)} of those they come under"


def _against(value: float) -> str:
    near = "nearer" if value >= 0 else "less near"
    return f"{abs(value):.1f} deviations {near} than unrelated texts are"


def _share(overlap: float) -> str:
    """The signal is how much more than half of the challenges they share."""
    return f"{overlap + 0.5:.0%}"
