"""Where a process's spans go: into files, to a collector, to Zipkin, to any of them at once.

I2PCC_TRACES_DIR names the folder; the standard OTEL_* variables the rest. With none of these set nothing is recorded,
and contexts of others still pass through.
"""

import os
from collections.abc import Iterator

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.environment_variables import (
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
    OTEL_EXPORTER_ZIPKIN_ENDPOINT,
    OTEL_SDK_DISABLED,
    OTEL_TRACES_SAMPLER,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from shared.sampling import Paced
from shared.settings import Traces
from shared.statements import instrument
from shared.tracefiles import TraceFiles

A_SECOND = 1_000
"""Milliseconds between two writes to a file: `i2pcc trace` is asked for what has just happened."""
LINE = 128
"""Spans of one line at most: to encode them takes 10 ms, in which nothing else happens in the process."""


def setup(service: str) -> TracerProvider | None:
    """Have this process's spans recorded, if they have anywhere to go."""
    if os.environ.get(OTEL_SDK_DISABLED, "").lower() == "true":
        return None
    processors = list(_processors(service))
    if not processors:
        return None
    sampler = None if os.environ.get(OTEL_TRACES_SAMPLER) else Paced()
    provider = TracerProvider(sampler, Resource.create({"service.name": f"i2pcc-{service}"}))
    for processor in (_NoQueries(), *processors):
        provider.add_span_processor(processor)
    trace.set_tracer_provider(provider)
    instrument(provider)
    return provider


def _processors(service: str) -> Iterator[SpanProcessor]:
    """What sends over the network is imported if it is used: protobuf and requests are a tenth of a service's start."""
    traces = Traces()
    if traces.dir:
        files = TraceFiles(traces.dir, service, traces.megabytes * 1_000_000)
        yield BatchSpanProcessor(files, schedule_delay_millis=A_SECOND, max_export_batch_size=LINE)
    if os.environ.get(OTEL_EXPORTER_OTLP_ENDPOINT) or os.environ.get(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        yield BatchSpanProcessor(OTLPSpanExporter())
    if os.environ.get(OTEL_EXPORTER_ZIPKIN_ENDPOINT):
        from opentelemetry.exporter.zipkin.json import ZipkinExporter
        from requests import Session

        session = Session()
        session.trust_env = False  # a proxy does not know this machine
        yield BatchSpanProcessor(ZipkinExporter(session=session))


class _NoQueries(SpanProcessor):
    """Takes out what stands after the ? of an address: anyone may write anything there."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """The attribute is there when the span begins."""
        if span.attributes and "url.query" in span.attributes:
            span.set_attribute("url.query", "REDACTED")
