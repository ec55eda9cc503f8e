"""What scores are measured against: a collection of texts of both sides, and what is usual among them.

An embedding is centred on the mean of its model, language and side, so that no language is a direction of its own. A
closeness is corrected for hubs: texts that are near to everything are so to the background too. All figures stay as
they are until a new background is taken, so that no score moves because somebody else posts a need (ADR 11).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from services.matching.scoring.encoders import models, second
from services.matching.scoring.names import names
from services.matching.scoring.texts import Text
from services.matching.scoring.words import (
    Frequencies,
    Row,
    bm25_answer,
    bm25_question,
    grams,
    products,
    tfidf,
    tokens,
)
from shared.vocabulary import Language

Matrix = NDArray[np.float32]
Vector = NDArray[np.float32]

NEIGHBOURS = 5
"""How many of the nearest say how near a text is to everything."""


class Side(StrEnum):
    """Who wrote a text."""

    NEED = "need"
    PROPOSAL = "proposal"

    @property
    def other(self) -> "Side":
        """The side it is compared with."""
        return Side.PROPOSAL if self is Side.NEED else Side.NEED


EXCESS = 1.0
"""By how many deviations real texts seem nearer against texts of our own alone than against their like: measured on the
sets that may be fitted to, where the logistic curve keeps its slope and moves by that much."""
HUB = {Side.NEED: 0.5, Side.PROPOSAL: 0.75}
"""How much of its nearness to everything is taken off a pair's closeness, by side."""
WORDS = ("heading grams", "whole grams", "heading words", "whole words")
"""What is compared of the words, in one language only."""


@dataclass(frozen=True)
class Encoded:
    """A text, and the vectors that the models of its language make of its heading and of all of it."""

    text: Text
    vectors: Mapping[str, Matrix]
    """By model: two rows, the heading's and the whole text's."""


def wanted(texts: Sequence[Text]) -> dict[str, list[str]]:
    """What each model is to read of these texts; its vectors, in that order, are what `joined` takes."""
    found: dict[str, list[str]] = {}
    for text in texts:
        for model in models(text.language):
            found.setdefault(model, []).extend((text.heading, text.whole))
    return found


def joined(texts: Sequence[Text], vectors: Mapping[str, Matrix]) -> list[Encoded]:
    """The texts with their vectors."""
    rows = {model: iter(np.reshape(read, (-1, 2, read.shape[-1]))) for model, read in vectors.items()}
    return [Encoded(text, {model: next(rows[model]) for model in models(text.language)}) for text in texts]


@dataclass(frozen=True)
class Prepared:
    """A text as it is compared: what is known of it before its counterpart is."""

    language: Language
    dense: Mapping[str, Vector]
    """Centred vectors of length 1, by model."""
    rows: Mapping[str, Row]
    """Weighted terms, by what is compared of the words."""
    names: frozenset[str]
    """The technical names in it."""
    hubs: Mapping[tuple[str, Language], float]
    """How near it is to everything of the other side in a language, by what is compared."""


def unit(rows: Matrix) -> Matrix:
    """The same directions, of length 1."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9), np.float32)


def compared(need: Language, proposal: Language) -> Mapping[str, float]:
    """What is compared of two texts in these languages, and with which weight."""
    read_by = (models(need)[0], second(need, proposal))
    if need is not proposal:
        return dict.fromkeys(read_by, 1.0)
    return dict.fromkeys(read_by, 4.0) | dict.fromkeys(WORDS, 1.0)


class Corpus:
    """One side of the background in one language."""

    def __init__(self, side: Side, language: Language, texts: Sequence[Encoded], seen: Mapping[str, Frequencies]):
        self.side, self.language, self.seen = side, language, seen
        self.means = {model: np.mean([text.vectors[model] for text in texts], axis=0) for model in texts[0].vectors}
        self.texts = [self.prepared(text) for text in texts]

    def prepared(self, encoded: Encoded) -> Prepared:
        """A text as those of this corpus are, its hubs apart."""
        dense = {model: self._centred(model, encoded.vectors[model]) for model in self.means}
        rows = dict(zip(WORDS, self._rows(encoded.text), strict=True))
        return Prepared(encoded.text.language, dense, rows, frozenset(names(encoded.text.whole)), {})

    def _centred(self, model: str, vectors: Matrix) -> Vector:
        return unit(unit(vectors - self.means[model]).sum(axis=0))

    def _rows(self, text: Text) -> Sequence[Row]:
        bm25 = bm25_question if self.side is Side.NEED else bm25_answer
        return [
            weigh(count(words), self.seen[name])
            for name, weigh, count, words in (
                (WORDS[0], tfidf, grams, text.heading),
                (WORDS[1], tfidf, grams, text.whole),
                (WORDS[2], bm25, tokens, text.heading),
                (WORDS[3], bm25, tokens, text.whole),
            )
        ]


@dataclass(frozen=True)
class Usual:
    """What is usual among the background's pairs."""

    mean: float
    deviation: float


class Pairing:
    """The background's pairs of a need in one language and a proposal in another."""

    def __init__(self, needs: Corpus, proposals: Corpus):
        self.weights = compared(needs.language, proposals.language)
        self.usual: dict[str, Usual] = {}
        total = np.zeros((len(needs.texts), len(proposals.texts)), np.float32)
        for name, weight in self.weights.items():
            near = similarities(needs.texts, proposals.texts, name)
            corrected = near - HUB[Side.NEED] * hubs(near)[:, None] - HUB[Side.PROPOSAL] * hubs(near.T)[None]
            self.usual[name] = Usual(float(corrected.mean()), max(float(corrected.std()), 1e-9))
            total += weight * (corrected - self.usual[name].mean) / self.usual[name].deviation
        self.deviation = max(float(total.std()), 1e-9)


class Background:
    """A collection of texts of both sides. The reference's are in both, so that each has some in every language."""

    def __init__(self, reference: Sequence[Encoded], collected: Mapping[Side, Sequence[Encoded]] | None = None):
        """Take these texts.

        Args:
            reference: texts of our own.
            collected: what people wrote; without any, all looks nearer than it is, and `excess` says by how much.
        """
        self._texts = {side: [*reference, *(collected or {}).get(side, ())] for side in Side}
        self.excess = 0.0 if collected else EXCESS
        self._corpora: dict[tuple[Side, Language], Corpus] = {}
        self._pairings: dict[tuple[Language, Language], Pairing] = {}

    def corpus(self, side: Side, language: Language) -> Corpus:
        """One side in one language."""
        key = side, language
        if key not in self._corpora:
            self._corpora[key] = Corpus(side, language, self._of(side, language), self._seen[language])
        return self._corpora[key]

    def pairing(self, need: Language, proposal: Language) -> Pairing:
        """What is usual of pairs in these languages."""
        if (need, proposal) not in self._pairings:
            pairing = Pairing(self.corpus(Side.NEED, need), self.corpus(Side.PROPOSAL, proposal))
            self._pairings[need, proposal] = pairing
        return self._pairings[need, proposal]

    def language(self, heading: Vector) -> Language:
        """What language a heading is in, by the means that its vector, of the model that reads all, is nearest to."""
        model = models(Language.ENGLISH)[0]
        means = {language: self.corpus(Side.PROPOSAL, language).means[model][0] for language in Language}
        return max(means, key=lambda language: float(heading @ means[language] - means[language] @ means[language] / 2))

    def prepared(self, side: Side, texts: Sequence[Encoded]) -> list[Prepared]:
        """Texts ready to be compared, in the order given."""
        made: dict[int, Prepared] = {}
        for language in {text.text.language for text in texts}:
            numbers = [number for number, text in enumerate(texts) if text.text.language is language]
            ready = self._prepared(side, language, [texts[number] for number in numbers])
            made |= dict(zip(numbers, ready, strict=True))
        return [made[number] for number in range(len(texts))]

    def _prepared(self, side: Side, language: Language, texts: Sequence[Encoded]) -> list[Prepared]:
        made = [self.corpus(side, language).prepared(text) for text in texts]
        near: list[dict[tuple[str, Language], float]] = [{} for _ in made]
        for other in Language:
            pair = (language, other) if side is Side.NEED else (other, language)
            for name in compared(*pair):
                found = hubs(similarities(made, self.corpus(side.other, other).texts, name))
                for each, value in zip(near, found, strict=True):
                    each[name, other] = float(value)
        return [replace(one, hubs=each) for one, each in zip(made, near, strict=True)]

    def _of(self, side: Side, language: Language) -> Sequence[Encoded]:
        return [text for text in self._texts[side] if text.text.language is language]

    @cached_property
    def _seen(self) -> Mapping[Language, Mapping[str, Frequencies]]:
        return {language: self._frequencies(language) for language in Language}

    def _frequencies(self, language: Language) -> Mapping[str, Frequencies]:
        offers = self._of(Side.PROPOSAL, language)
        both = [*self._of(Side.NEED, language), *offers]
        return {
            WORDS[0]: Frequencies.of([grams(each.text.heading) for each in both]),
            WORDS[1]: Frequencies.of([grams(each.text.whole) for each in both]),
            WORDS[2]: Frequencies.of([tokens(each.text.heading) for each in offers]),
            WORDS[3]: Frequencies.of([tokens(each.text.whole) for each in offers]),
        }


def similarities(left: Sequence[Prepared], right: Sequence[Prepared], name: str) -> Matrix:
    """How near each on the left is to each on the right in one respect, before anything is corrected."""
    if name in WORDS:
        return products([text.rows[name] for text in left], [text.rows[name] for text in right])
    return np.stack([text.dense[name] for text in left]) @ np.stack([text.dense[name] for text in right]).T


def hubs(near: Matrix) -> Vector:
    """How near each row is to everything: the mean of its largest."""
    most = min(NEIGHBOURS, near.shape[1])
    return np.asarray(np.partition(near, near.shape[1] - most, axis=1)[:, -most:].mean(axis=1), np.float32)
