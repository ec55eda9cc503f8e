"""`i2pcc trace ID`: what the services did about an object, as trees of spans."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

import orjson
from rich.table import Table
from rich.text import Text

from deploy.files import write
from deploy.problems import Problem, disk
from deploy.screen import console
from deploy.settings import Settings
from deploy.traces.spans import Span, Trace, about, whole

TRACE_ID = re.compile(r"[0-9a-f]{32}")
STYLES = {"intake": "cyan", "regions": "green", "matching": "magenta", "notify": "yellow"}


def show(settings: Settings, id: str, file: Path | None, *, most: int, statements: bool) -> None:
    """Print the traces about an object, or the one with this id, the newest last.

    Args:
        settings: with the state folder; a demo's is inside it.
        id: of a proposal, a need, a match or any other object, or of a trace.
        file: where to write all that is known of them as JSON too.
        most: traces to print; the newest.
        statements: whether each statement in the database is a line.

    Raises:
        Problem: it is no id, or nothing is kept about it.
    """
    folders = [each for each in (settings.traces, settings.within("demo").traces) if each.is_dir()]
    if not folders:
        raise Problem(
            f"No traces are kept in {settings.traces}: nothing was started there yet.",
            "Run: i2pcc up. Or name the folder that the platform runs in: I2PCC_STATE=/path/to/folder",
        )
    found = _asked(folders, id)
    newest = set(sorted(found, key=lambda each: found[each])[-most:])
    kept = whole(folders, newest)
    kept |= whole(folders, {link for trace in kept.values() for link in trace.links} - kept.keys())
    traces = sorted((kept[each] for each in newest & kept.keys()), key=lambda trace: trace.began)
    if not traces:
        raise Problem(
            f"Nothing is known of {id} in the last day's traces.",
            "Under load only some traces are kept (OTEL_TRACES_SAMPLER=parentbased_always_on keeps all). "
            "What was done by whom stays in the audit log: i2pcc audit show --object ID",
        )
    if left := len(found) - len(newest):
        console.print(f"The newest {most} of {len(found)} traces; --limit {len(found)} shows {left} more.\n")
    for trace in traces:
        _print(trace, kept, statements=statements)
    if file:
        with disk(file.parent):
            write(file, orjson.dumps([_as_json(trace) for trace in traces], option=orjson.OPT_INDENT_2).decode())


def _asked(folders: Sequence[Path], id: str) -> dict[str, int]:
    """The ids of the traces that are meant, and when something in them was last done about it."""
    text = id.strip().lower()
    try:
        business_id = str(UUID(text))
    except ValueError:
        raise Problem(
            f"{id} is no id.",
            "Ids of proposals, needs and matches look like 3f2b8c1e-0d5a-4b7e-9c55-2f0a6f1d9e7b, those of traces "
            "are 32 of 0-9 and a-f.",
            code=2,
        ) from None
    return about(folders, business_id) or ({text: 0} if TRACE_ID.fullmatch(text) else {})


def _print(trace: Trace, kept: Mapping[str, Trace], *, statements: bool) -> None:
    began = datetime.fromtimestamp(trace.began / 1e9).astimezone()
    failures = f"[red]{trace.failures} failed[/]" if trace.failures else "none failed"
    console.print(f"[bold]Trace {trace.id}[/]")
    console.print(f"{began:%d %b %H:%M:%S}, {_time(trace.took)}, {_count(len(trace.spans), 'span')}, {failures}")
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(overflow="fold")
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(no_wrap=True, justify="right")
    table.add_row(*(Text(name, "dim") for name in ("", "service", "after", "took")))
    for root in trace.roots:
        for row in _rows(trace, root, statements=statements):
            table.add_row(*row)
    console.print(table)
    for link in sorted(trace.links):
        console.print(f"linked to trace {_told(link, kept)}", style="dim")
    for other in kept.values():
        if trace.id in other.links:
            console.print(f"linked from trace {_told(other.id, kept)}", style="dim")
    console.print()


def _told(id: str, kept: Mapping[str, Trace]) -> str:
    return f"{id}, {kept[id].roots[0].name}" if id in kept else f"{id}, of which nothing is kept"


def _rows(trace: Trace, span: Span, first: str = "", rest: str = "", *, statements: bool) -> Iterator[tuple[Text, ...]]:
    """A span's line, then those of what it led to; `first` and `rest` are the branches drawn before them."""
    yield _row(trace, span, first)
    shown = [each for each in trace.children(span) if statements or each.error or not _is_statement(each)]
    hidden = [each for each in trace.children(span) if each not in shown]
    if hidden:
        branch = rest + ("│ " if shown else "  ")
        took = _time(sum(each.ended - each.began for each in hidden))
        yield Text(f"{branch}{_count(len(hidden), 'statement')}", "dim"), Text(), Text(), Text(took, "dim")
    for child in shown:
        last = child is shown[-1]
        yield from _rows(
            trace, child, rest + ("└ " if last else "├ "), rest + ("  " if last else "│ "), statements=statements
        )


def _row(trace: Trace, span: Span, branch: str) -> tuple[Text, ...]:
    about = ", ".join(filter(None, (span.attributes.get("i2pcc.event"), _answer(span))))
    name = Text.assemble((branch, "dim"), span.name, (f" {about}" if about else "", "dim"))
    if span.error:
        name.append(f" ✗ {span.error}", "bold red")
    after = Text(f"+{_time(span.began - trace.began)}", "dim")
    return name, Text(span.service, STYLES.get(span.service, "")), after, Text(_time(span.ended - span.began))


def _answer(span: Span) -> str:
    return str(span.attributes.get("http.response.status_code", ""))


def _is_statement(span: Span) -> bool:
    return "db.system.name" in span.attributes


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _time(nanoseconds: int) -> str:
    milliseconds = nanoseconds / 1e6
    return f"{milliseconds / 1e3:.2f} s" if milliseconds >= 1_000 else f"{milliseconds:.1f} ms"


def _as_json(trace: Trace) -> dict[str, object]:
    return {
        "trace": trace.id,
        "began": datetime.fromtimestamp(trace.began / 1e9).astimezone().isoformat(),
        "took_ms": trace.took / 1e6,
        "failed": trace.failures,
        "linked_to": sorted(trace.links),
        "spans": [
            {
                "id": span.id,
                "parent": span.parent or None,
                "name": span.name,
                "service": span.service,
                "kind": span.kind,
                "after_ms": (span.began - trace.began) / 1e6,
                "took_ms": (span.ended - span.began) / 1e6,
                "error": span.error or None,
                "attributes": span.attributes,
                "links": span.links,
            }
            for span in sorted(trace.spans, key=lambda span: span.began)
        ],
    }
