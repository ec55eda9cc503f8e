"""Shared words: texts as weighted terms, whose products are a tf-idf cosine and a BM25 score.

A term is its 32-bit hash: rows of texts that were never seen together can be compared, and are small to keep.
"""

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Ids = NDArray[np.uint32]
Weights = NDArray[np.float32]

SATURATION, LENGTH = 1.2, 0.75
"""BM25's k1 and b."""

_CHINESE = "\u3400-\u9fff"
_WORD = re.compile(rf"[{_CHINESE}]+|[a-z0-9]+(?:[.\-/][a-z0-9]+)*")
_IDEOGRAPH = re.compile(rf"[{_CHINESE}]")


@dataclass(frozen=True)
class Row:
    """A text's terms and what each is worth, in ascending order of the terms."""

    ids: Ids
    weights: Weights

    @property
    def length(self) -> float:
        """The Euclidean one."""
        return float(np.sqrt(np.square(self.weights).sum()))


def fold(text: str) -> str:
    """Lower case, no accents, no full-width forms."""
    plain = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).lower())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def grams(text: str) -> Row:
    """How often each run of 1 to 3 Chinese characters or of 3 to 5 Latin letters is there; `_` is a word's edge."""
    return _counted(
        run
        for word in _WORD.findall(fold(text))
        for run in (_runs(word, 1, 3) if _IDEOGRAPH.match(word) else _runs(f"_{word}_", 3, 5))
    )


def tokens(text: str) -> Row:
    """How often each Latin word, Chinese character and pair of Chinese characters is there."""
    return _counted(
        run for word in _WORD.findall(fold(text)) for run in (_runs(word, 1, 2) if _IDEOGRAPH.match(word) else [word])
    )


def _runs(word: str, least: int, most: int) -> Iterable[str]:
    return (word[i : i + size] for size in range(least, most + 1) for i in range(len(word) - size + 1))


def _counted(terms: Iterable[str]) -> Row:
    counts = Counter(terms)
    ids = np.fromiter((zlib.crc32(term.encode()) for term in counts), np.uint32, len(counts))
    order = np.argsort(ids)
    return Row(ids[order], np.fromiter(counts.values(), np.float32, len(counts))[order])


@dataclass(frozen=True)
class Frequencies:
    """In how many texts each term is, and how long they are on average."""

    ids: Ids
    found: NDArray[np.float32]
    texts: int
    average: float

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Frequencies":
        """Count what these texts hold."""
        ids, found = np.unique(np.concatenate([row.ids for row in rows]), return_counts=True)
        average = float(np.mean([row.weights.sum() for row in rows]))
        return cls(ids, found.astype(np.float32), len(rows), max(average, 1.0))

    def __getitem__(self, ids: Ids) -> NDArray[np.float32]:
        """In how many texts each of these terms is."""
        places = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.where(self.ids[places] == ids, self.found[places], 0).astype(np.float32)


def tfidf(counts: Row, seen: Frequencies) -> Row:
    """The text as a row of length 1: the product of two such rows is their cosine."""
    weights = (1 + np.log(counts.weights)) * (np.log((1 + seen.texts) / (1 + seen[counts.ids])) + 1)
    return Row(counts.ids, (weights / max(float(np.linalg.norm(weights)), 1e-9)).astype(np.float32))


def bm25_question(counts: Row, seen: Frequencies) -> Row:
    """The text as a question: its product with an answer's row is the answer's BM25 score."""
    return Row(counts.ids, (1 + np.log(counts.weights)).astype(np.float32))


def bm25_answer(counts: Row, seen: Frequencies) -> Row:
    """The text as an answer, one of those that were counted or one like them."""
    found = seen[counts.ids]
    rarity = np.log(1 + (seen.texts - found + 0.5) / (found + 0.5))
    slack = SATURATION * (1 - LENGTH + LENGTH * float(counts.weights.sum()) / seen.average)
    return Row(counts.ids, (rarity * counts.weights * (SATURATION + 1) / (counts.weights + slack)).astype(np.float32))


def products(left: Sequence[Row], right: Sequence[Row]) -> NDArray[np.float32]:
    """The product of each row on the left with each on the right."""
    terms = np.unique(np.concatenate([row.ids for row in (left if len(left) < len(right) else right)]))
    return np.asarray((_matrix(left, terms) @ _matrix(right, terms).T).toarray(), np.float32)


def _matrix(rows: Sequence[Row], terms: Ids) -> sparse.csr_array:
    ids = np.concatenate([row.ids for row in rows])
    weights = np.concatenate([row.weights for row in rows])
    places = np.minimum(np.searchsorted(terms, ids), max(len(terms) - 1, 0)).astype(np.int32)
    known = terms[places] == ids if len(terms) else np.zeros(len(ids), bool)
    ends = np.cumsum([0, *(len(row.ids) for row in rows)])
    starts = np.append(0, np.cumsum(known))[ends].astype(np.int32)
    return sparse.csr_array((weights[known], places[known], starts), shape=(len(rows), max(len(terms), 1)))
