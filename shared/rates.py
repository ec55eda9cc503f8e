"""How often somebody may ask: a sliding window in this process's memory, for what it protects is this process."""

import math
import time
from collections import Counter

import limits

from shared.problems import Problem

MOST = 100_000
"""Callers and addresses that are told apart in one window, some 10 MB; those beyond share one count."""


class Rates:
    """Counts requests in windows of the rate's length; the window before counts by how much of it is still in reach.

    The storage of `limits` is not used: it looks through all its keys at every hit, 7 ms with 50,000 of them, so that
    a flood of addresses costs more than what the limit is there to save. Here a window is dropped whole.
    """

    def __init__(self, rate: str) -> None:
        item = limits.parse(rate)
        self._rate = rate
        self._most = item.amount
        self._seconds = item.get_expiry()
        self._window = 0
        self._now: Counter[str] = Counter()
        self._before: Counter[str] = Counter()

    def count(self, key: str) -> None:
        """Count a request.

        Raises:
            Problem: 429, it is one too many; it is not counted then.
        """
        passed = self._turn()
        if key not in self._now and len(self._now) >= MOST:
            key = ""
        if self._before[key] * (1 - passed) + self._now[key] >= self._most:
            raise self._too_many(passed)
        self._now[key] += 1

    def _turn(self) -> float:
        """Begin a new window if it is time; how much of the current one has passed, 0 to 1."""
        window, rest = divmod(time.monotonic(), self._seconds)
        if window != self._window:
            self._before = self._now if window == self._window + 1 else Counter()
            self._now = Counter()
            self._window = int(window)
        return rest / self._seconds

    def _too_many(self, passed: float) -> Problem:
        """What helps for sure is to wait for the next window."""
        wait = max(1, math.ceil(self._seconds * (1 - passed)))
        detail = f"At most {self._rate} are answered; go on in {wait} s."
        return Problem(429, "Too many requests", detail, headers={"Retry-After": str(wait)})
