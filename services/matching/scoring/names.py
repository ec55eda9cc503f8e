"""Technical names that carry a match whatever the language: substances, processes, batteries, standards, purities."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

LETTER = "A-Za-zÀ-ɏ0-9"
"""Between two of these no word ends."""
STANDARD = (
    r"(?:din |en )*(?P<body>(?:gb|hj|cj|jb)(?:/t)?|iso|iec|din|en|astm [a-g])[ \-]?(?P<number>\d{3,6}(?:\.\d{1,2})?)"
)
PURITY = r"(?P<purity>[3-9]n[0-9]?)"


def names(text: str) -> dict[str, list[tuple[int, int]]]:
    """The names that a text holds, as names.yaml shows them, and where: start, and after the last character."""
    found: dict[str, list[tuple[int, int]]] = {}
    for name, start, end in _found(text):
        found.setdefault(name, []).append((start, end))
    return found


def _found(text: str) -> Iterator[tuple[str, int, int]]:
    # One letter is small in two characters, which would move all that follows it.
    small = text.replace("İ", "I").lower()
    for found in _pattern().finditer(small):
        name = _name(found, text[found.start() : found.end()])
        if name:
            yield name, found.start(), found.end()


def _name(found: re.Match[str], written: str) -> str | None:
    """What is meant; nothing, if it is only that in capitals and has none here."""
    if found["body"]:
        return f"{found['body'].upper()} {found['number']}" if written[:2].isupper() else None
    if found["purity"]:
        return found["purity"].upper() if written[1] == "N" else None
    spellings = _spellings()[found[0]]
    return spellings.get(written) or spellings.get(found[0])


@cache
def _spellings() -> dict[str, dict[str, str]]:
    """By its spelling in small letters: each spelling as it is to stand, and the name it is one of."""
    known: dict[str, dict[str, str]] = {}
    for name, spellings in all_names().items():
        for spelling in spellings:
            known.setdefault(spelling.lower(), {})[spelling] = name
    return known


def all_names() -> Mapping[str, list[str]]:
    """Each name with its spellings."""
    groups = yaml.safe_load(Path(__file__).with_name("names.yaml").read_text(encoding="utf-8"))
    return {name: spellings for group in groups.values() for name, spellings in group.items()}


@cache
def _pattern() -> re.Pattern[str]:
    """All of them at once: a tree, so that a position costs as many steps as its spelling is long."""
    latin = [each for each in _spellings() if re.match(f"[{LETTER}]", each)]
    chinese = [each for each in _spellings() if each not in latin]
    ends = f"(?![{LETTER}])"
    firsts = re.escape("".join({each[0] for each in _spellings()}))
    words = f"(?<![{LETTER}])(?:{_tree(latin, ends)}|{STANDARD}{ends}|{PURITY}{ends})"
    return re.compile(f"(?=[{firsts}3-9])(?:{words}|{_tree(chinese)})")


def _tree(words: Iterable[str], ends: str = "") -> str:
    """A pattern of any of these words; of two that begin alike the longer one, as long as it ends where it may."""
    branches = [
        f"{re.escape(first)}{_tree([word[1:] for word in rest], ends)}"
        for first, rest in _by_first(each for each in words if each)
    ]
    if "" in words:
        branches.append(ends)
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"


def _by_first(words: Iterable[str]) -> Any:
    return groupby(sorted(words), key=lambda word: word[0])
