"""A prepared text as bytes, and what a search finds it by."""

from collections.abc import Iterable
from itertools import accumulate

import numpy as np
import orjson

from services.matching.scoring.background import HUB, Prepared, Side, Vector
from services.matching.scoring.encoders import models
from services.matching.scoring.words import Row
from shared.vocabulary import Language

WIDTH = 384
"""Numbers of a search vector that say what the text means."""
DIMENSIONS = WIDTH + len(Language)
"""And one for each language of the other side."""


LANGUAGES = {language.value: language for language in Language}


def packed(text: Prepared) -> bytes:
    """The text as it is kept: a line of JSON, and its numbers."""
    head = {
        "language": text.language,
        "dense": {model: len(vector) for model, vector in text.dense.items()},
        "rows": {name: len(row.ids) for name, row in text.rows.items()},
        "names": sorted(text.names),
        "hubs": [(name, language, value) for (name, language), value in text.hubs.items()],
    }
    numbers: Iterable[bytes] = (
        *(vector.astype("<f4").tobytes() for vector in text.dense.values()),
        *(row.ids.astype("<u4").tobytes() for row in text.rows.values()),
        *(row.weights.astype("<f4").tobytes() for row in text.rows.values()),
    )
    return b"".join([orjson.dumps(head), b"\n", *numbers])


def unpacked(data: bytes) -> Prepared:
    """What `packed` kept."""
    end = data.index(b"\n")
    head = orjson.loads(data[:end])
    sizes = [*head["dense"].values(), *head["rows"].values(), *head["rows"].values()]
    whole = np.frombuffer(data, "<f4", offset=end + 1)
    parts = [whole[last - size : last] for size, last in zip(sizes, accumulate(sizes), strict=True)]
    dense, rest = parts[: len(head["dense"])], parts[len(head["dense"]) :]
    half = len(rest) // 2
    rows = (Row(ids.view("<u4"), weights) for ids, weights in zip(rest[:half], rest[half:], strict=True))
    return Prepared(
        LANGUAGES[head["language"]],
        dict(zip(head["dense"], dense, strict=True)),
        dict(zip(head["rows"], rows, strict=True)),
        frozenset(head["names"]),
        {(name, LANGUAGES[language]): value for name, language, value in head["hubs"]},
    )


def place(text: Prepared, side: Side) -> Vector:
    """Where a search finds it: its product with a `question` of the other side is their corrected closeness."""
    return np.append(
        _meaning(text), [-HUB[side] * text.hubs[models(text.language)[0], language] for language in Language]
    )


def question(text: Prepared) -> Vector:
    """What to search the other side's places with."""
    return np.append(_meaning(text), [float(language is text.language) for language in Language])


def _meaning(text: Prepared) -> Vector:
    """The first model's vector; one of another width is projected, which keeps products but for a few hundredths."""
    vector = text.dense[models(text.language)[0]]
    if len(vector) == WIDTH:
        return vector
    onto = np.random.default_rng(len(vector)).standard_normal((len(vector), WIDTH), np.float32)
    return np.asarray(vector @ onto / np.sqrt(WIDTH), np.float32)
