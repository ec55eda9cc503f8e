"""Spans as the services keep them: files of OTLP JSON, one ExportTraceServiceRequest a line."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

KINDS = ("", "internal", "server", "client", "producer", "consumer")
ERROR = 2


@dataclass(frozen=True)
class Span:
    """One thing that a service did. Times are nanoseconds since 1970."""

    trace: str
    id: str
    parent: str
    name: str
    service: str
    kind: str
    began: int
    ended: int
    error: str
    """The error's type; empty if it went well."""
    attributes: Mapping[str, Any]
    links: tuple[str, ...]
    """The traces that it is linked to."""

    def mentions(self, business_id: str) -> bool:
        """Whether it is about the object with this id."""
        return any(value == business_id for name, value in self.attributes.items() if name.startswith("i2pcc."))


@dataclass
class Trace:
    """All that is kept of one command, over all services."""

    id: str
    spans: list[Span] = field(default_factory=list)

    @property
    def began(self) -> int:
        """When its first span began."""
        return min(span.began for span in self.spans)

    @property
    def took(self) -> int:
        """Nanoseconds from its first span's begin to its last one's end."""
        return max(span.ended for span in self.spans) - self.began

    @property
    def failures(self) -> int:
        """How many of its spans failed."""
        return sum(bool(span.error) for span in self.spans)

    @property
    def links(self) -> set[str]:
        """The other traces that it is linked to."""
        return {link for span in self.spans for link in span.links} - {self.id}

    @property
    def roots(self) -> Sequence[Span]:
        """What no other kept span led to."""
        known = {span.id for span in self.spans}
        return [span for span in self._in_order if span.parent not in known]

    def children(self, span: Span) -> Sequence[Span]:
        """What a span led to, in order of time."""
        return self._by_parent.get(span.id, [])

    @cached_property
    def _in_order(self) -> list[Span]:
        return sorted(self.spans, key=lambda span: span.began)

    @cached_property
    def _by_parent(self) -> dict[str, list[Span]]:
        found: dict[str, list[Span]] = {}
        for span in self._in_order:
            found.setdefault(span.parent, []).append(span)
        return found


def about(folders: Iterable[Path], business_id: str) -> dict[str, int]:
    """The ids of the traces with a span that is about this object, and when the last of these spans began."""
    found: dict[str, int] = {}
    for span in _spans(folders, [business_id.encode()]):
        if span.mentions(business_id):
            found[span.trace] = max(span.began, found.get(span.trace, 0))
    return found


def whole(folders: Iterable[Path], ids: Collection[str]) -> dict[str, Trace]:
    """These traces, by id, as far as they are kept, and those that are linked to one of them."""
    kept: dict[str, Trace] = {}
    for span in _spans(folders, [each.encode() for each in ids]):
        if span.trace in ids or set(span.links) & set(ids):
            kept.setdefault(span.trace, Trace(span.trace)).spans.append(span)
    return kept


def _spans(folders: Iterable[Path], words: Sequence[bytes]) -> Iterator[Span]:
    """Every span of the lines with one of these words."""
    for folder in folders:
        for file in folder.glob("*.jsonl"):
            with suppress(FileNotFoundError), file.open("rb") as lines:  # its writer may just have removed it
                for line in lines:
                    if any(word in line for word in words):
                        yield from read(line)


def read(line: bytes) -> Iterator[Span]:
    """The spans of one line; of one that is not whole (a process was killed as it wrote it) none."""
    try:
        request = orjson.loads(line)
    except orjson.JSONDecodeError:
        return
    for sent in request["resourceSpans"]:
        service = str(_values(sent["resource"]).get("service.name", "")).removeprefix("i2pcc-")
        for scope in sent["scopeSpans"]:
            for span in scope["spans"]:
                yield _span(service, span)


def _span(service: str, span: Mapping[str, Any]) -> Span:
    attributes = _values(span)
    status = span.get("status", {})
    return Span(
        trace=span["traceId"],
        id=span["spanId"],
        parent=span.get("parentSpanId", ""),
        name=span["name"],
        service=service,
        kind=KINDS[span.get("kind", 0)],
        began=int(span["startTimeUnixNano"]),
        ended=int(span["endTimeUnixNano"]),
        error=str(attributes.get("error.type", "error")) if status.get("code") == ERROR else "",
        attributes=attributes,
        links=tuple(link["traceId"] for link in span.get("links", ())),
    )


def _values(holder: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes by name; OTLP wraps each value in its type, and writes whole numbers as text."""
    found = {}
    for each in holder.get("attributes", ()):
        ((kind, value),) = each["value"].items()
        found[each["key"]] = int(value) if kind == "intValue" else value
    return found
