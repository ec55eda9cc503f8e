"""The HTML part of a mail, made from its text: everything in it is escaped, so that no text can bring markup along."""

import re
from collections.abc import Sequence
from html import escape
from itertools import groupby

from shared.vocabulary import Language

STYLE = "font-family:sans-serif;font-size:15px;line-height:1.5;color:#1b2733;max-width:38em"
FRAME = (
    '<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title></head>\n'
    '<body style="{style}">\n{blocks}\n</body></html>\n'
)
RULE = "-" * 24
"""Under a line that is a heading."""


def html(text: str, subject: str, language: Language, ours: Sequence[str]) -> str:
    """A text as a page: paragraphs, lists (`- `), indented lines, headings (over RULE), and links.

    Args:
        text: its blocks are separated by empty lines.
        subject: the page's title.
        language: of the text.
        ours: what an address has to begin with to become a link.
    """
    blocks = "\n".join(_block(block.split("\n"), ours) for block in re.split(r"\n{2,}", text.strip("\n")))
    return FRAME.format(language=language, title=escape(subject), style=STYLE, blocks=blocks)


def _block(lines: list[str], ours: Sequence[str]) -> str:
    if lines[1:] == [RULE]:
        return f'<h2 style="font-size:17px;margin-top:2em">{_inline(lines[0], ours)}</h2>'
    return "".join(_lines(kind, list(found), ours) for kind, found in groupby(lines, _kind))


def _kind(line: str) -> str:
    return "item" if line.startswith("- ") else "indented" if line.startswith("  ") else "plain"


def _lines(kind: str, lines: list[str], ours: Sequence[str]) -> str:
    if kind == "item":
        return f"<ul>{''.join(f'<li>{_inline(line[2:], ours)}</li>' for line in lines)}</ul>"
    style = ' style="margin-left:1.5em"' if kind == "indented" else ""
    return f"<p{style}>{'<br>'.join(_inline(line.strip(), ours) for line in lines)}</p>"


def _inline(line: str, ours: Sequence[str]) -> str:
    """A line, in which what is a link of ours can be clicked."""
    links = re.compile(rf"((?:{'|'.join(map(re.escape, ours))})/[^\s<>\"']*)")
    return "".join(_link(piece) if links.fullmatch(piece) else escape(piece) for piece in links.split(line))


def _link(address: str) -> str:
    return f'<a href="{escape(address)}">{escape(address)}</a>'
