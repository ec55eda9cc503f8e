"""What carried a score, quoted: which sentences of two texts met, and which words and names both hold."""

import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from services.matching.scoring.background import Matrix
from services.matching.scoring.names import names
from services.matching.scoring.sentences import Field, Quote
from services.matching.scoring.texts import Text
from services.matching.scoring.words import Row, fold

READ = 12
"""Sentences of a text that are compared by their meaning: each costs up to a tenth of a second, once."""
PAIRS, LEAST = 3, 0.2
"""How many pairs of sentences are shown at most, and the least closeness of one: 0 is what unrelated texts have."""
WORDS, LEAST_SHARE = 8, 0.02
"""How many words are shown at most, and the least share of one in what the words say."""
LONGEST = 12
"""Chinese characters of a word, at most."""
_FUNCTION_WORDS = (
    "about after all also and any are been before below but can each for from had has have into its may more most "
    "must not one only other our over per should such than that the their them then there these they this those "
    "under until was were what when where which while who will with within without would you your aan alle als "
    "bij daar dan dat deze die dit door een elk elke geen heeft hebben het hun ieder kan maar meer met moet naar "
    "niet nog onder ons onze ook over per tot twee uit van voor waar was wat wel wij worden wordt zijn zoals "
    "zonder"
)
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""They add to a score as all words do, but tell nobody anything."""

_CHINESE = "\u3400-\u9fff"
_WORD = re.compile(rf"[{_CHINESE}]+|[^\W_{_CHINESE}]+(?:[.\-/][^\W_{_CHINESE}]+)*")
_IDEOGRAPHS = re.compile(rf"[{_CHINESE}]+")


class Kind(StrEnum):
    """What is shared."""

    NAME = "name"
    WORD = "word"


@dataclass(frozen=True)
class Shared:
    """A technical name or a word that both texts hold, and where."""

    kind: Kind
    name: str
    share: float | None
    """Of all that the shared words say, 0 to 1; a technical name counts by itself."""
    need: tuple[Quote, ...]
    proposal: tuple[Quote, ...]


@dataclass(frozen=True)
class Met:
    """A sentence of the need and the one of the proposal that is nearest to it."""

    need: Quote
    proposal: Quote
    closeness: float
    """Cosine of their vectors, each less its language's mean: about 0 for unrelated ones, 1 for the same words."""
    shared: tuple[str, ...]
    """The names and words that both sentences hold."""


def shared_names(need: Text, proposal: Text) -> list[Shared]:
    """The technical names that both texts hold, whatever their languages."""
    one, other = _named(need), _named(proposal)
    return [Shared(Kind.NAME, name, None, tuple(one[name]), tuple(other[name])) for name in sorted(one.keys() & other)]


def shared_words(need: Text, proposal: Text, asked: Row, answered: Row) -> list[Shared]:
    """The words that both texts hold, those first that add most to the score. None across languages.

    Args:
        need: its text.
        proposal: its text.
        asked: the need's words as they were weighed.
        answered: the proposal's; the product of the two is what the words say.
    """
    if need.language is not proposal.language:
        return []
    worth = _worth(asked, answered)
    total = sum(worth.values())
    found: dict[str, float] = {}
    for word in _common(need, proposal):
        found[word] = sum(worth.get(zlib.crc32(term.encode()), 0.0) for term in _terms(word)) / (total or 1)
    chosen: list[str] = []
    for word in sorted(found, key=lambda each: (-found[each], each)):
        if found[word] >= LEAST_SHARE and not any(word in other for other in chosen):
            chosen.append(word)
    return [
        Shared(Kind.WORD, word, round(found[word], 3), tuple(_places(need, word)), tuple(_places(proposal, word)))
        for word in chosen[:WORDS]
    ]


def foremost(said: Sequence[Quote], places: Iterable[Quote]) -> list[Quote]:
    """The sentences to be compared by their meaning, in their order: of many, those that hold most of the places."""
    spots = list(places)

    def worth(number: int) -> tuple[bool, int, int]:
        held = sum(_within(spot, said[number]) for spot in spots)
        return said[number].field is not Field.TITLE, -held, -len(said[number].quote)

    return [said[number] for number in sorted(sorted(range(len(said)), key=worth)[:READ])]


def met(near: Matrix, needs: Sequence[Quote], proposals: Sequence[Quote], shared: Sequence[Shared]) -> list[Met]:
    """The sentences that are nearest to each other, best first; each stands in one pair.

    Args:
        near: closeness of each sentence of the need to each of the proposal.
        needs: the need's sentences.
        proposals: the proposal's.
        shared: names and words of the two texts.
    """
    left, found = near.copy(), list[Met]()
    while left.size and len(found) < PAIRS and left.max() >= LEAST:
        row, column = divmod(int(left.argmax()), left.shape[1])
        one, other = needs[row], proposals[column]
        both = (each.name for each in shared if _holds(one, each.need) and _holds(other, each.proposal))
        found.append(Met(one, other, round(min(1.0, float(left[row, column])), 2), tuple(dict.fromkeys(both))))
        left[row], left[:, column] = -1, -1
    return found


def _fields(text: Text) -> Mapping[Field, str]:
    return {Field.TITLE: text.title, Field.BODY: text.body}


def _named(text: Text) -> dict[str, list[Quote]]:
    found: dict[str, list[Quote]] = {}
    for field, written in _fields(text).items():
        for name, places in names(written).items():
            found.setdefault(name, []).extend(Quote(field, start, end, written[start:end]) for start, end in places)
    return found


def _worth(asked: Row, answered: Row) -> Mapping[int, float]:
    """What each shared term adds to the product."""
    ids, one, other = np.intersect1d(asked.ids, answered.ids, assume_unique=True, return_indices=True)
    return dict(zip(ids.tolist(), (asked.weights[one] * answered.weights[other]).tolist(), strict=True))


def _terms(word: str) -> Iterable[str]:
    """What a word is weighed as; see words.tokens."""
    if not _IDEOGRAPHS.match(word):
        return [word]
    return {word[start : start + size] for size in (1, 2) for start in range(len(word) - size + 1)}


def _common(need: Text, proposal: Text) -> Iterator[str]:
    """The words of the need, folded, that are in the proposal too; of Chinese, its longest runs of two and more."""
    latin = {word for _, _, _, word in _written(proposal) if not _IDEOGRAPHS.match(word)}
    runs = "\n".join(word for _, _, _, word in _written(proposal) if _IDEOGRAPHS.match(word))
    for _, _, _, word in _written(need):
        if _IDEOGRAPHS.match(word):
            yield from _runs(word, lambda part: part in runs)
        elif word in latin and len(word) > 2 and not word.isdigit() and word not in FUNCTION_WORDS:
            yield word


def _runs(word: str, known: Callable[[str], bool]) -> Iterator[str]:
    start = 0
    while start < len(word) - 1:
        end = start
        while end < min(len(word), start + LONGEST) and known(word[start : end + 1]):
            end += 1
        if end - start > 1:
            yield word[start:end]
        start = max(end, start + 1)


def _written(text: Text) -> Iterator[tuple[Field, int, int, str]]:
    """Each word with its place, folded."""
    for field, written in _fields(text).items():
        for found in _WORD.finditer(written):
            yield field, found.start(), found.end(), fold(found[0])


def _places(text: Text, word: str) -> Iterator[Quote]:
    if not _IDEOGRAPHS.match(word):
        spots = [(field, start, end) for field, start, end, each in _written(text) if each == word]
    else:
        spots = [
            (field, found.start(), found.end())
            for field, written in _fields(text).items()
            for found in re.finditer(re.escape(word), written)
        ]
    return (Quote(field, start, end, _fields(text)[field][start:end]) for field, start, end in spots)


def _within(part: Quote, whole: Quote) -> bool:
    return part.field is whole.field and whole.start <= part.start and part.end <= whole.end


def _holds(sentence: Quote, places: Iterable[Quote]) -> bool:
    return any(_within(place, sentence) for place in places)
