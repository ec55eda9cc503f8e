"""Vectors of texts, made once: whatever is matched anew finds here what was embedded before."""

import asyncio
from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import islice
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.dialects.postgresql import insert

from services.matching.metrics import EMBEDDINGS
from services.matching.models import Embedding
from services.matching.scoring.encoders import encoder, identity
from services.matching.scoring.endpoint import EncodingError
from shared.db import Sessions, fetch

BATCH = 64
"""Texts that are embedded before they are stored: an interruption costs no more."""
FLOATS = np.dtype("<f4")
HELD = """
    select model, hash, vector
    from embedding join unnest($1::text[], $2::bytea[]) as wanted (model, hash) using (model, hash)
"""

Vectors: TypeAlias = NDArray[np.float32]
Key: TypeAlias = tuple[str, bytes]
"""A model's identity and a text's hash."""


async def encoded(sessions: Sessions, wanted: Mapping[str, Sequence[str]]) -> dict[str, Vectors]:
    """The vectors of texts, by model, in the order of the texts.

    It takes as long as the texts that are new: call it outside any transaction.

    Args:
        wanted: the texts by the name of the model that is to read them; see scoring.encoders.

    Raises:
        EncodingError: a model is not there, or an endpoint gives no vectors.
    """
    names = {model: identity(model) for model in wanted}
    texts = {(model, _key(names[model], text)): text for model, each in wanted.items() for text in each}
    held = await _held(sessions, [key for _, key in texts])
    for model in wanted:
        new = [(key, text) for (name, key), text in texts.items() if name == model and key not in held]
        EMBEDDINGS.labels(model, "made").inc(len(new))
        EMBEDDINGS.labels(model, "held").inc(sum(name == model for name, _ in texts) - len(new))
        missing = iter(new)
        while batch := dict(islice(missing, BATCH)):
            made = await asyncio.to_thread(encoder(model).encode, list(batch.values()))
            held |= await _keep(sessions, dict(zip(batch, made, strict=True)))
    return {model: _stacked(names[model], each, held) for model, each in wanted.items()}


def _key(name: str, text: str) -> Key:
    return name, sha256(text.encode()).digest()


async def _held(sessions: Sessions, keys: Sequence[Key]) -> dict[Key, Vectors]:
    if not keys:
        return {}
    async with sessions() as db:
        rows = await fetch(db, HELD, [name for name, _ in keys], [digest for _, digest in keys])
    return {(row["model"], row["hash"]): np.frombuffer(row["vector"], FLOATS) for row in rows}


async def _keep(sessions: Sessions, made: Mapping[Key, Vectors]) -> Mapping[Key, Vectors]:
    """Store new vectors; another worker may have been quicker with some."""
    # By key: two workers that store the same texts do it in the same order, or each would wait for the other.
    rows = [
        {"model": name, "hash": digest, "vector": vector.astype(FLOATS).tobytes()}
        for (name, digest), vector in sorted(made.items(), key=lambda item: item[0])
    ]
    async with sessions() as db, db.begin():
        await db.execute(insert(Embedding).values(rows).on_conflict_do_nothing())
    return made


def _stacked(name: str, texts: Sequence[str], held: Mapping[Key, Vectors]) -> Vectors:
    rows = [held[_key(name, text)] for text in texts]
    if len(lengths := {len(row) for row in rows}) > 1:
        raise EncodingError(
            f"{name} gave vectors of {', '.join(map(str, sorted(lengths)))} numbers at different times. If the server "
            "has another model by this name now, set I2PCC_EMBEDDINGS_DIMENSIONS, or give the model another name."
        )
    return np.array(rows, np.float32)
