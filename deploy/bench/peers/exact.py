"""What is truly nearest, by numpy: every need against every question, a part of the needs at a time."""

import time
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from deploy.bench.mixtures import Mixtures
from deploy.bench.stock import Asked
from services.matching.scoring.background import Vector

NO = np.float32(-np.inf)


class Nearest:
    """The nearest needs to one question, and how long it took to find them."""

    def __init__(self, asked: Asked, most: int) -> None:
        self._asked, self._most = asked, most
        self._near = np.empty(0, np.float32)
        self.numbers = np.empty(0, np.intp)
        self.seconds = 0.0

    def look(self, mixed: Mixtures, masks: NDArray[np.intp]) -> None:
        """Compare these needs too."""
        begin = time.perf_counter()
        near = np.where(masks & self._asked.mask, mixed.places @ self._asked.question, NO)
        best = _best(near, self._most)
        near, numbers = np.append(self._near, near[best]), np.append(self.numbers, mixed.first + best)
        best = _best(near, self._most)
        self._near, self.numbers = near[best], numbers[best]
        self.seconds += time.perf_counter() - begin


def nearest(needs: Iterable[Mixtures], questions: Sequence[Asked], most: int) -> list[Nearest]:
    """The nearest needs that share a challenge, so many for each question."""
    found = [Nearest(asked, most) for asked in questions]
    for mixed in needs:
        masks = mixed.masks
        for each in found:
            each.look(mixed, masks)
    return found


def _best(near: Vector, most: int) -> NDArray[np.intp]:
    best = np.argpartition(near, -most)[-most:] if len(near) > most else np.arange(len(near))
    return best[near[best] > NO]
