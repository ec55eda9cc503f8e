"""Vectors kept in a file, so that a second evaluation embeds nothing."""

import sqlite3
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Self

import numpy as np

from services.matching.scoring.background import Matrix
from services.matching.scoring.encoders import encoder, identity

BATCH = 256


class Vectors:
    """Vectors by model and text."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(folder / "vectors.sqlite", isolation_level=None)

    def __enter__(self) -> Self:
        self._file.execute(
            "create table if not exists vector (model text, hash blob, numbers blob, primary key (model, hash))"
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def of(self, model: str, texts: Sequence[str]) -> Matrix:
        """One row a text."""
        name = identity(model)
        keys = {text: sha256(text.encode()).digest() for text in texts}
        held = {text: found for text, key in keys.items() if (found := self._held(name, key)) is not None}
        new = [text for text in keys if text not in held]
        for start in range(0, len(new), BATCH):
            batch = new[start : start + BATCH]
            made = encoder(model).encode(batch)
            rows = [(name, keys[text], row.astype("<f4").tobytes()) for text, row in zip(batch, made, strict=True)]
            self._file.executemany("insert or ignore into vector values (?, ?, ?)", rows)
            held |= dict(zip(batch, made, strict=True))
        return np.stack([held[text] for text in texts])

    def _held(self, model: str, key: bytes) -> Matrix | None:
        query = "select numbers from vector where model = ? and hash = ?"
        row = self._file.execute(query, (model, key)).fetchone()
        return np.frombuffer(row[0], "<f4") if row else None
