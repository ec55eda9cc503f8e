"""A receiver of OTLP over HTTP: keeps every span it is sent."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1 import trace_pb2


@dataclass(frozen=True)
class Span:
    """What is of interest of a span."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    links: tuple[str, ...]
    """The traces it is linked to."""
    attributes: dict[str, Any]


@dataclass
class Collector:
    """Every span so far, and all that was sent, as text."""

    spans: list[Span] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def take(self, body: bytes) -> None:
        """Keep a request of an exporter."""
        request = ExportTraceServiceRequest.FromString(body)
        self.texts.append(MessageToJson(request, ensure_ascii=False))
        for sent in request.resource_spans:
            service = next(each.value.string_value for each in sent.resource.attributes if each.key == "service.name")
            self.spans.extend(_span(service, span) for scope in sent.scope_spans for span in scope.spans)

    def named(self, name: str, **ids: object) -> list[Span]:
        """The spans of that name with these business ids."""
        wanted = {f"i2pcc.{key}": str(value) for key, value in ids.items()}
        return [span for span in self.spans if span.name == name and wanted.items() <= span.attributes.items()]

    def ancestry(self, span: Span) -> list[Span]:
        """A span, its parent, and so on up to the root."""
        by_id = {each.id: each for each in self.spans}
        line = [span]
        while line[-1].parent:
            line.append(by_id[line[-1].parent])
        return line

    @contextmanager
    def listen(self) -> Iterator[str]:
        """Listen on a free port; gives the endpoint."""
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.take(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()


def _span(service: str, span: trace_pb2.Span) -> Span:
    return Span(
        service=service.removeprefix("i2pcc-"),
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        links=tuple(link.trace_id.hex() for link in span.links),
        attributes={each.key: each.value.string_value for each in span.attributes},
    )
