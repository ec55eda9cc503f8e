"""Texts of our own in every language: the background of a platform that has hardly any texts yet.

Their vectors come with them, so that a first start does not wait for them. After a change of the texts or of a model:

    python -m services.matching.scoring.reference
"""

import csv
from functools import cache
from pathlib import Path

import numpy as np

from services.matching.scoring.background import Encoded, joined, wanted
from services.matching.scoring.encoders import encoder, identity
from services.matching.scoring.texts import Text
from shared.vocabulary import Language

TEXTS = Path(__file__).with_name("reference.tsv")
VECTORS = Path(__file__).with_name("reference.npz")


@cache
def reference() -> tuple[Text, ...]:
    """The same titles, some with a body, in English, Dutch and Chinese."""
    with TEXTS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, "excel-tab"))
    languages = (Language.ENGLISH, Language.DUTCH, Language.CHINESE)
    return tuple(_text(cell, language) for row in rows for cell, language in zip(row, languages, strict=True))


def _text(cell: str, language: Language) -> Text:
    title, _, body = cell.partition(" | ")
    return Text(title, body, language)


def shipped() -> list[Encoded] | None:
    """The texts with their vectors; none, if other models are in use than those that made them."""
    texts = reference()
    with np.load(VECTORS) as held:
        if not {_name(model) for model in wanted(texts)} <= set(held):
            return None
        return joined(texts, {model: held[_name(model)].astype(np.float32) for model in wanted(texts)})


def _name(model: str) -> str:
    return identity(model).replace("/", " ")


def _ship() -> None:
    rows = {
        _name(model): encoder(model).encode(parts).astype(np.float16) for model, parts in wanted(reference()).items()
    }
    np.savez_compressed(VECTORS, allow_pickle=False, **rows)


if __name__ == "__main__":
    _ship()
