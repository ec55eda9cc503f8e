"""Which traces are kept: whole or not at all, and failures always."""

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from shared import telemetry
from shared.sampling import Paced

GET = {"http.request.method": "GET"}


class Kept:
    """A provider that keeps so many traces at once, and hardly any later."""

    def __init__(self, burst: int) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider(Paced(rate=1e-9, burst=burst), shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = provider.get_tracer("tests")

    @property
    def names(self) -> list[str]:
        """Of the spans that were kept."""
        return [span.name for span in self.exporter.get_finished_spans()]


def test_so_many_traces_are_kept_and_reads_take_no_commands_place() -> None:
    kept = Kept(burst=2)
    for number in range(4):
        kept.tracer.start_span(f"read {number}", attributes=GET).end()
    for number in range(4):
        kept.tracer.start_span(f"command {number}").end()
    assert kept.names == ["read 0", "read 1", "command 0", "command 1"]


def test_what_belongs_to_a_trace_is_kept_as_its_beginning_was_also_in_another_process() -> None:
    first, second = Kept(burst=1), Kept(burst=1)
    for name in ("kept", "left"):
        with first.tracer.start_as_current_span(name):
            traceparent = telemetry.current_traceparent()
        with second.tracer.start_as_current_span(f"{name} too", telemetry.context(traceparent)):
            second.tracer.start_span(f"within {name}").end()
    assert first.names == ["kept"]
    assert second.names == ["within kept", "kept too"]


def test_of_a_trace_that_is_not_kept_a_failure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept(burst=0)
    monkeypatch.setattr(telemetry, "_tracer", kept.tracer)
    with pytest.raises(ValueError, match="An Peeters") as caught, telemetry.step("mail", None):
        raise ValueError("An Peeters")
    (span,) = kept.exporter.get_finished_spans()
    assert (span.name, span.status.status_code, span.attributes) == (
        "failed",
        StatusCode.ERROR,
        {"error.type": "ValueError"},
    )
    assert span.context
    assert trace.format_trace_id(span.context.trace_id) in str(telemetry.where_failed(caught.value))
