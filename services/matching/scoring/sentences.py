"""Texts as sentences, each with its place in the field that it stands in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from services.matching.scoring.texts import Text
from shared.vocabulary import Language

_ABBREVIATIONS = (
    "al approx art bijv bv ca cf co dr ed eg etc excl fig incl inc ing ir jr ltd max min mr mrs ms no nr nrs op "
    "para prof resp sec sr st temp vgl vol vs zgn"
)
ABBREVIATIONS = frozenset(_ABBREVIATIONS.split())
"""What a full stop ends without ending the sentence; so does one letter, and whatever has a full stop within."""
CHINESE_END = re.compile(r"[。！？；][”’」』）】]*|[!?;]+(?=\s|$)|\n+")
LATIN_END = re.compile(
    r"""[.!?…]+["'”’)\]]*(?=\s+["'“‘(\[]*[^\W_a-z]|\s*$)"""
    r"|\n\s*\n"
    r"|\n(?=[ \t]*(?:[-–•*·]|\(?[A-Za-z0-9]{1,2}[.)])[ \t])"
)
"""A full stop ends a sentence where something begins anew: no small letter follows. Lines may be wrapped; an empty one
and one that begins a list's item end what is before."""
_LAST_WORD = re.compile(r"[^\W_]+(?:\.[^\W_]+)*$")
_SAYS = re.compile(r"\w.*\w", re.DOTALL)


class Field(StrEnum):
    """What a quotation is from."""

    TITLE = "title"
    BODY = "body"


@dataclass(frozen=True)
class Quote:
    """What stands in a text, and where."""

    field: Field
    start: int
    """Counted in characters (code points) from 0."""
    end: int
    """After the last one."""
    quote: str


def sentences(text: Text) -> list[Quote]:
    """The title, and the body's sentences in their order. All of them together leave out nothing but white space."""
    title = [] if not text.title.strip() else [_trimmed(Field.TITLE, text.title, 0, len(text.title))]
    body = (_trimmed(Field.BODY, text.body, start, end) for start, end in _spans(text.body, text.language))
    return [*title, *(each for each in body if _SAYS.search(each.quote))]


def _spans(body: str, language: Language) -> Iterator[tuple[int, int]]:
    start = 0
    ends = CHINESE_END if language is Language.CHINESE else LATIN_END
    for found in ends.finditer(body):
        if not _abbreviated(body[start : found.start()], found[0]):
            yield start, found.end()
            start = found.end()
    yield start, len(body)


def _abbreviated(before: str, end: str) -> bool:
    """Whether a full stop belongs to the word before it."""
    last = _LAST_WORD.search(before)
    if not (last and end.startswith(".")):
        return False
    word = last[0].lower()
    # A unit is no abbreviation: "12 m³/d.", "-15 °C.", "5 L."
    single = len(word) == 1 and word.isalpha() and not re.search(r"[/\d°]\s*$", before[: last.start()])
    return single or ("." in word and not re.search(r"\d", word)) or word in ABBREVIATIONS


def _trimmed(field: Field, text: str, start: int, end: int) -> Quote:
    part = text[start:end]
    start += len(part) - len(part.lstrip())
    return Quote(field, start, start + len(part.strip()), part.strip())
