"""What a need's reader would miss: advice, never a hindrance. A text in, advice out; the words are in words.yaml."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import yaml
from pydantic import BaseModel

from shared.vocabulary import Challenge, Language

MOST = 5
"""So many vague sentences are quoted; who mends those sees the next."""
SENTENCE = re.compile(r"[^\s].*?(?:[。！？!?；]|\.(?=\s|$)|\n|$)")
NUMBER = r"(?:(?<!\d)\d[\d.,\s]{0,20}|[一二三四五六七八九十百千万两]{1,9})(?:[余多万亿]|million |miljoen ){0,2}"
"""Bounded, so that no text takes long."""
NAME = re.compile(r"[A-Z][A-Za-z]*[A-Z0-9]|(?<=[a-z,;:] )[A-Z][a-z]+")
"""An abbreviation, or a capital within a sentence."""
LATIN = re.compile(r"[A-Za-z]{2,}")
"""In a Chinese text such words are names or abbreviations."""


class Kind(StrEnum):
    """What is missing."""

    NO_QUANTITY = "no_quantity"
    NO_SUBSTANCE = "no_substance"
    NO_PART = "no_part"
    VAGUE = "vague"


class Sentence(BaseModel):
    """A sentence of the need, and where in the field it stands, in characters."""

    field: str
    """`title` or `body`."""
    start: int
    end: int
    """After its last character."""
    quote: str


class Advice(BaseModel):
    """One thing that a reader would miss."""

    kind: Kind
    sentence: Sentence | None
    """The one that it is about; none, if the whole text is."""
    advice: str
    """What to add, in English."""


class Text(Protocol):
    """What is looked at of a need, which may be a draft that lacks some."""

    @property
    def title(self) -> str | None: ...
    @property
    def body(self) -> str | None: ...
    @property
    def language(self) -> Language | None: ...
    @property
    def challenges(self) -> tuple[Challenge, ...] | None: ...
    @property
    def parts(self) -> tuple[str, ...] | None: ...
    @property
    def capacity(self) -> object: ...


def advice(need: Text) -> tuple[Advice, ...]:
    """What a reader of this need would miss, and the sentences that tell too little."""
    return (*_missing(need), *_vague(need))


def _missing(need: Text) -> Iterator[Advice]:
    text = _plain(f"{need.title or ''}\n{need.body or ''}\n{' '.join(need.parts or ())}")
    own = _words(need.challenges[0] if need.challenges else 0)
    if not need.capacity and not _has_quantity(text):
        yield _whole(Kind.NO_QUANTITY, f"Say how much: a number with its unit, such as {own['quantity']}.")
    if not _has(text, "substances", need.challenges):
        yield _whole(Kind.NO_SUBSTANCE, f"Name what it is about: a substance or a medium, such as {own['substance']}.")
    if not need.parts and not _has(text, "parts", need.challenges):
        yield _whole(Kind.NO_PART, f"Name the part of the plant or process that is meant, such as {own['part']}.")


def _vague(need: Text) -> list[Advice]:
    own = _words(need.challenges[0] if need.challenges else 0)
    add = f"Say it with a figure, a name or a term: how much ({own['quantity']}), of what ({own['substance']}), where."
    found = (sentence for sentence in _sentences(need) if _is_vague(sentence.quote, need.language))
    return [Advice(kind=Kind.VAGUE, sentence=sentence, advice=add) for sentence in islice(found, MOST)]


def _whole(kind: Kind, add: str) -> Advice:
    return Advice(kind=kind, sentence=None, advice=add)


def _is_vague(sentence: str, language: Language | None) -> bool:
    """At least two general words, and neither a figure nor a name nor a term; what only introduces a list is none."""
    plain = _plain(sentence)
    if plain.endswith(":"):
        return False
    if re.search(r"\d", plain) or NAME.search(sentence) or _has(plain, "substances") or _has(plain, "parts"):
        return False
    if language is Language.CHINESE and LATIN.search(sentence):
        return False
    general = _load()["general"]
    words = [word for each in ([language] if language else Language) for word in general[each]]
    return len(set(_pattern(tuple(words)).findall(plain))) > 1


def _sentences(need: Text) -> Iterator[Sentence]:
    for field, text in (("title", need.title), ("body", need.body)):
        for found in SENTENCE.finditer(text or ""):
            quote = found[0].rstrip()
            yield Sentence(field=field, start=found.start(), end=found.start() + len(quote), quote=quote)


def _has_quantity(plain: str) -> bool:
    return bool(_quantity().search(plain))


def _has(plain: str, kind: str, challenges: Iterable[int] | None = None) -> bool:
    return any(_found(plain, _words(number)[kind]) for number in (0, *(challenges or Challenge)))


def _found(plain: str, words: Sequence[str]) -> bool:
    return bool(_pattern(tuple(words)).search(plain))


@cache
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Any of these words: a short one in Latin letters stands alone, but for its plural."""
    return re.compile("|".join(map(_one, map(_plain, words))))


def _one(word: str) -> str:
    escaped = re.escape(word)
    return escaped if len(word) >= 5 or not word.isascii() else rf"(?<![a-z]){escaped}(?:s|es|en)?(?![a-z])"


@cache
def _quantity() -> re.Pattern[str]:
    units = sorted(map(_plain, _load()["units"]), key=len, reverse=True)
    return re.compile(rf"{NUMBER} ?(?:{'|'.join(map(re.escape, units))})(?![a-z])")


def _words(number: int) -> dict[str, Any]:
    words: dict[str, Any] = _load()["challenges"][number]
    return words


def _plain(text: str) -> str:
    """As it is compared: one way to write a letter, all of them small."""
    return unicodedata.normalize("NFKC", text).casefold()


@cache
def _load() -> dict[str, Any]:
    """The words, as they stand in the file."""
    words: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("words.yaml").read_text(encoding="utf-8"))
    return words
