"""OpenTelemetry, set up once a service from the standard OTEL_* variables.

With no OTLP endpoint set nothing is recorded, and contexts of others still pass through.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.events import CATALOG, Envelope, Event

_propagator = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("i2pcc")


def setup(service: str) -> TracerProvider | None:
    """Send this process's spans where OTEL_EXPORTER_OTLP_ENDPOINT says; without it, record none."""
    if not any(os.environ.get(name) for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")):
        return None
    # Imported here: protobuf and requests are a tenth of a service's start.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor

    provider = TracerProvider(resource=Resource.create({"service.name": f"i2pcc-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    AsyncPGInstrumentor().instrument()  # type: ignore[no-untyped-call]
    return provider


def context(traceparent: str | None) -> Context:
    """The context that a stored or received traceparent stands for."""
    return _propagator.extract({"traceparent": traceparent} if traceparent else {}, Context())


def traceparent_of(span: Span) -> str | None:
    """A span's W3C traceparent, to store or to send."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier, trace.set_span_in_context(span, Context()))
    return carrier.get("traceparent")


def current_traceparent() -> str | None:
    """The traceparent of what is going on now."""
    span = trace.get_current_span()
    return traceparent_of(span) if span.get_span_context().is_valid else None


def current_trace_id() -> str | None:
    """The trace that what is going on now belongs to: 32 hexadecimal digits."""
    found = trace.get_current_span().get_span_context()
    return trace.format_trace_id(found.trace_id) if found.is_valid else None


def business_ids(event: Event) -> dict[str, str]:
    """An event's ids as span attributes, so that one search finds the whole story. Ids are not personal data."""
    return {f"i2pcc.{name}": str(value) for name, value in event if name.endswith("_id") and value is not None}


@contextmanager
def step(name: str, traceparent: str | None, *, link: str | None = None, **attributes: str) -> Iterator[Span]:
    """One step of a worker, in the trace of what asked for it; `link` names another trace it belongs to."""
    links = [Link(trace.get_current_span(context(link)).get_span_context())] if link else []
    with _tracer.start_as_current_span(
        name,
        context(traceparent),
        links=links,
        attributes={f"i2pcc.{key}": value for key, value in attributes.items()},
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except Exception as error:
            failed(span, error)
            raise


def start_processing(event: Event) -> Span:
    """The consumer's span of one event, child of the message's own traceparent."""
    envelope = event.envelope
    span = _tracer.start_span(f"process {envelope.topic}", context(envelope.traceparent), SpanKind.CONSUMER)
    if span.is_recording():
        span.set_attributes({**business_ids(event), **_messaging(envelope)})
    return span


def _messaging(envelope: Envelope) -> dict[str, str | int]:
    return {
        "messaging.system": "kafka",
        "messaging.operation.type": "process",
        "messaging.destination.name": envelope.topic,
        "messaging.destination.partition.id": str(envelope.partition),
        "messaging.kafka.offset": envelope.offset,
        "messaging.message.id": str(envelope.id),
        "i2pcc.event": envelope.type,
    }


def start_publishing(row: Any) -> Span | None:
    """The relay's span of one outbox row, child of the transaction that wrote it; None where none is recorded."""
    traceparent = row["traceparent"]
    if traceparent is None or not isinstance(trace.get_tracer_provider(), TracerProvider):
        return None
    span = _tracer.start_span(f"publish {row['topic']}", context(traceparent), SpanKind.PRODUCER)
    if span.is_recording():
        span.set_attributes(
            {
                "messaging.system": "kafka",
                "messaging.operation.type": "send",
                "messaging.destination.name": str(row["topic"]),
                "messaging.message.id": str(row["event_id"]),
                "i2pcc.event": str(row["type"]),
                f"i2pcc.{CATALOG[row['type']].key}": str(row["key"]),
            }
        )
    return span


def failed(span: Span, error: BaseException) -> None:
    """Mark a span as failed by the error's type; its message could hold personal data."""
    span.set_status(StatusCode.ERROR, type(error).__name__)
    span.set_attribute("error.type", type(error).__name__)
