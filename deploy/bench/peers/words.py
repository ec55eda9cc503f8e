"""bm25s: the needs whose words are nearest, by words alone; all its counts are held in memory."""

import time
from collections.abc import Iterable, Sequence
from typing import Any

import bm25s
import numpy as np
from numpy.typing import NDArray

from deploy.bench.mixtures import Mixtures
from deploy.bench.phrases import Phrase
from deploy.bench.stock import Asked
from services.matching.scoring.words import tokens

MOST = 100_000
"""Needs beyond which it is left out: it would hold a gigabyte."""


def seconds(phrases: Sequence[Phrase], needs: Iterable[Mixtures], questions: Sequence[Asked], most: int) -> list[float]:
    """How long each question takes; a need's words are those of the two texts that it is of."""
    counted = [tokens(phrase.text.whole).ids for phrase in phrases]
    terms, places = np.unique(np.concatenate(counted), return_inverse=True)
    ids = np.split(places, np.cumsum([len(each) for each in counted])[:-1])
    masks, written = [], []
    for mixed in needs:
        masks.append(mixed.masks)
        written += [np.concatenate([ids[one], ids[two]]).tolist() for one, two in mixed.texts]
    index = bm25s.BM25()
    index.index((written, {str(term): place for place, term in enumerate(terms)}), show_progress=False)
    allowed = np.concatenate(masks)
    asked_with = [np.concatenate([ids[text] for text in asked.texts]).tolist() for asked in questions]
    return [
        _seconds(index, *each, most) for each in zip(asked_with, (allowed & q.mask for q in questions), strict=True)
    ]


def _seconds(index: Any, asked_with: list[int], shared: NDArray[np.intp], most: int) -> float:
    begin = time.perf_counter()
    found = index.get_scores_from_ids(asked_with, weight_mask=(shared > 0).astype(np.float32))
    np.argpartition(found, -min(most, len(found)))[-most:]
    return time.perf_counter() - begin
