"""What a start tells while it goes on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[int, int], None]
"""Told how much is done, of how much."""


class Steps:
    """Tells nothing; the command shows each step on the screen."""

    @contextmanager
    def step(self, title: str) -> Iterator[Progress]:
        """Enclose one step; steps overlap."""
        yield lambda done, total: None
