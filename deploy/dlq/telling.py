"""What the terminal shows of dead letters: nothing of a person, and nothing that a terminal would take for an order."""

from collections.abc import Sequence

import orjson
from rich.text import Text

from deploy.dlq.letters import Letter
from deploy.screen import columns, console, headed, heading

CLOUD_EVENT = ("ce_id", "ce_source", "ce_specversion", "ce_time", "ce_type", "content-type", "traceparent")
"""The headers that a relay writes."""


def show_list(found: Sequence[Letter], limit: int) -> None:
    """A line each, the newest last."""
    if not found:
        console.print("No dead letter is like that.")
        return
    table = headed("letter", "put aside", "event", "tries", "next try", "cause")
    for letter in found[-limit:]:
        when = f"{letter.buried_at.astimezone():%m-%d %H:%M:%S}"
        values = (letter.name, when, letter.type or "unknown", str(letter.tries), next_try(letter), letter.cause)
        table.add_row(*(Text(plain(value)) for value in values))
    console.print(table)
    if len(found) > limit:
        console.print(f"{len(found) - limit} older ones are not shown: --limit")


def show_one(letter: Letter) -> None:
    """All that is known of one, but for what is personal."""
    rows = columns()
    named: dict[str, str] = {
        "letter": letter.name,
        "event": letter.type or "unknown",
        "record": letter.place,
        "key": str(letter.about) if letter.personal else _text(letter.key or b""),
        "put aside": f"{letter.buried_at.astimezone():%Y-%m-%d %H:%M:%S}",
        "tries": str(letter.tries),
        "next try": next_try(letter),
        "cause": letter.cause,
    }
    for name, value in named.items():
        rows.add_row(Text(name, "dim"), Text(plain(value)))
    console.print(rows)
    heading("headers")
    rows = columns()
    for name, content in letter.headers:
        if not letter.personal or (letter.type and name in CLOUD_EVENT):
            rows.add_row(Text(plain(name), "dim"), Text(plain(content or "")))
    console.print(rows)
    heading("body")
    console.print(Text(plain(_body(letter))), soft_wrap=True)


def next_try(letter: Letter) -> str:
    """When the service tries it again by itself."""
    return f"{letter.next_try.astimezone():%m-%d %H:%M:%S}" if letter.next_try else "none"


def plain(text: str) -> str:
    """The same with what would move a terminal's cursor spelt out."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def _body(letter: Letter) -> str:
    if letter.personal:
        return "on its topic alone, for it is personal"
    if letter.value is None:
        return "none"
    try:
        return orjson.dumps(orjson.loads(letter.value), option=orjson.OPT_INDENT_2).decode()
    except ValueError:
        return _text(letter.value)


def _text(value: bytes) -> str:
    return value.decode(errors="backslashreplace")
