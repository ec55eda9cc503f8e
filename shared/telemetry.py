"""Traces: one a command, over outbox and inbox, with the business ids as attributes and nothing personal."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Link, Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.events import CATALOG, Envelope, Event

_propagator = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("i2pcc")
WHERE = "i2pcc_traceparent"
"""An attribute of exceptions: by the time they are logged their span is over."""


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


@contextmanager
def within(traceparent: str | None) -> Iterator[None]:
    """Belong to the trace that a stored or received traceparent stands for, as what is logged meanwhile tells."""
    token = attach(context(traceparent))
    try:
        yield
    finally:
        detach(token)


def where_failed(error: BaseException) -> str | None:
    """The traceparent of the step that an exception has left."""
    return getattr(error, WHERE, None)


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
            setattr(error, WHERE, traceparent_of(span))
            raise


def start_processing(event: Event, service: str) -> Span:
    """The consumer's span of one event, child of the message's own traceparent."""
    envelope = event.envelope
    span = _tracer.start_span(f"process {envelope.topic}", context(envelope.traceparent), SpanKind.CONSUMER)
    if span.is_recording():
        span.set_attributes({**business_ids(event), **_received(envelope, service)})
    return span


def _received(envelope: Envelope, service: str) -> dict[str, str | int]:
    return {
        **_messaging("process", envelope.topic, str(envelope.id), envelope.type),
        "messaging.consumer.group.name": service,
        "messaging.destination.partition.id": str(envelope.partition),
        "messaging.kafka.offset": envelope.offset,
    }


def _messaging(operation: str, topic: str, message_id: str, event: str) -> dict[str, str | int]:
    """By OpenTelemetry's conventions for messaging."""
    return {
        "messaging.system": "kafka",
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": topic,
        "messaging.message.id": message_id,
        "i2pcc.event": event,
    }


def start_sending(row: Any) -> Span | None:
    """The relay's span of one outbox row, child of the transaction that wrote it; None where none is recorded."""
    traceparent = row["traceparent"]
    if traceparent is None or not isinstance(trace.get_tracer_provider(), TracerProvider):
        return None
    span = _tracer.start_span(f"send {row['topic']}", context(traceparent), SpanKind.PRODUCER)
    if span.is_recording():
        span.set_attributes(_messaging("send", str(row["topic"]), str(row["event_id"]), str(row["type"])))
        span.set_attribute(f"i2pcc.{CATALOG[row['type']].key}", str(row["key"]))
    return span


def failed(span: Span, error: BaseException) -> None:
    """Mark a span as failed by the error's type; its message could hold personal data.

    Of a trace that is not kept, the failure is told in a span of its own.
    """
    kind = {"error.type": type(error).__name__}
    if not span.is_recording() and span.get_span_context().is_valid:
        span = _tracer.start_span("failed", trace.set_span_in_context(span), attributes=kind)
        span.set_status(StatusCode.ERROR, type(error).__name__)
        return span.end()
    span.set_status(StatusCode.ERROR, type(error).__name__)
    span.set_attributes(kind)
    return None
