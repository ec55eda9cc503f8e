"""Any number of open needs out of thousands of texts: each a mixture of two with noise, the same ones each time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deploy.bench.phrases import FREQUENCY
from services.matching.scoring.background import Matrix, unit
from services.matching.scoring.packing import DIMENSIONS, WIDTH

CHUNK = 20_000
"""Needs that are made, stored or compared at once; no more are ever held."""
NOISE = 0.3
"""Its length, beside a vector of length 1."""
MANY = (0.5, 0.35, 0.15)
"""How many texts are about one, two and three challenges."""
INT4 = 23


@dataclass(frozen=True)
class Mixtures:
    """Some of them."""

    first: int
    """The number of the first."""
    texts: NDArray[np.intp]
    """The two that each is of, the one that it is mostly of first."""
    places: Matrix
    challenges: NDArray[np.intp]
    """Three for each, of which so many count:"""
    many: NDArray[np.intp]

    @property
    def masks(self) -> NDArray[np.intp]:
        """The challenges of each, as bits."""
        counts = np.arange(len(MANY)) < self.many[:, None]
        return np.asarray(np.bitwise_or.reduce(np.where(counts, 1 << self.challenges, 0), axis=1))

    def challenges_of(self, place: int) -> list[int]:
        """Of one of these."""
        return sorted(set(self.challenges[place, : self.many[place]].tolist()))


def mixtures(places: Matrix, challenges: Sequence[int], first: int, end: int, seed: int = 0) -> Iterator[Mixtures]:
    """The needs with these numbers, some at a time.

    Args:
        places: where a search finds each text.
        challenges: the texts' own.
        first: the number of the first.
        end: the number after the last one's.
        seed: others than those of another seed.
    """
    own = np.asarray(challenges)
    for start in range(first - first % CHUNK, end, CHUNK):
        wanted = slice(max(first - start, 0), min(end - start, CHUNK))
        yield _mixed(places, own, start, wanted, np.random.default_rng((seed, start)))


def _mixed(places: Matrix, own: NDArray[np.intp], start: int, wanted: slice, dice: np.random.Generator) -> Mixtures:
    """A whole chunk is drawn whatever is wanted of it: a need is the same in a table of any size."""
    one, two = dice.integers(0, len(places), (2, CHUNK))
    share = dice.uniform(0.5, 0.9, CHUNK).astype(np.float32)[:, None]
    mixed = share * places[one] + (1 - share) * places[two]
    noise = dice.standard_normal((CHUNK, WIDTH), np.float32) * np.float32(NOISE / np.sqrt(WIDTH))
    mixed[:, :WIDTH] = unit(unit(mixed[:, :WIDTH]) + noise)
    others = dice.choice(np.arange(1, len(FREQUENCY) + 1), (CHUNK, 2), p=np.array(FREQUENCY) / sum(FREQUENCY))
    many = dice.choice(np.arange(1, len(MANY) + 1), CHUNK, p=MANY)
    challenges = np.column_stack([own[one], others])
    return Mixtures(
        start + wanted.start, np.column_stack([one, two])[wanted], mixed[wanted], challenges[wanted], many[wanted]
    )


HEADER, FOOTER = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"


def rows(some: Mixtures) -> Iterator[bytes]:
    """Them as rows (number, text, challenges, place) of PostgreSQL's binary COPY."""
    numbers = np.arange(some.first, some.first + len(some.texts))
    for many in range(1, len(MANY) + 1):
        these = some.many == many
        table = np.zeros(int(these.sum()), _row(many))
        table["fields"] = 4
        table["number"], table["text"] = (4, 4)
        table["number_is"], table["text_is"] = numbers[these], some.texts[these, 0]
        table["challenges"] = 20 + 8 * many
        table["array"] = (1, 0, INT4, many, 1)
        table["item"]["length"], table["item"]["is"] = 4, some.challenges[these, :many]
        table["place"], table["dimensions"], table["place_is"] = 4 + 2 * DIMENSIONS, DIMENSIONS, some.places[these]
        yield table.tobytes()


def _row(many: int) -> np.dtype[np.void]:
    return np.dtype(
        [
            ("fields", ">i2"),
            ("number", ">i4"),
            ("number_is", ">i4"),
            ("text", ">i4"),
            ("text_is", ">i4"),
            ("challenges", ">i4"),
            ("array", ">i4", 5),
            ("item", [("length", ">i4"), ("is", ">i4")], many),
            ("place", ">i4"),
            ("dimensions", ">i2"),
            ("unused", ">i2"),
            ("place_is", ">f2", DIMENSIONS),
        ]
    )
