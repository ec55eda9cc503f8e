"""Which traces are kept unless OTEL_TRACES_SAMPLER says otherwise: all while it is quiet, so many a second under load.

A span costs 0.16 ms of a core to make and to write, and a command has some ten at intake alone: to keep all of them
costs half as much again as the command itself, and more. One that is not kept costs 2 % (0.07 ms), and those that are
kept in a second 1 % of a core.
"""

import time
from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

RATE = 5.0
"""Traces that may begin in a process each second, of commands and of reads each."""
BURST = 200.0
"""Traces that may begin at once, after a rest."""


class Bucket:
    """Tokens that come at a rate, and are kept up to a burst."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self._held, self._at = burst, time.monotonic()

    def take(self) -> bool:
        """Whether there was one."""
        now = time.monotonic()
        self._held, self._at = min(self.burst, self._held + (now - self._at) * self.rate), now
        if self._held < 1:
            return False
        self._held -= 1
        return True


class Paced(Sampler):
    """Keeps a trace whole or not at all, as who begins it decides; of one that is not kept, the failures alone."""

    def __init__(self, rate: float = RATE, burst: float = BURST) -> None:
        self._reads, self._others = Bucket(rate, burst), Bucket(rate, burst)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Decide on one span; see `shared.telemetry.failed` for those that have failed by the time they begin."""
        attributes = attributes or {}
        parent = trace.get_current_span(parent_context).get_span_context()
        if "error.type" in attributes:
            kept = True
        elif parent.is_valid:
            kept = parent.trace_flags.sampled
        else:
            kept = (self._reads if attributes.get("http.request.method") == "GET" else self._others).take()
        decision = Decision.RECORD_AND_SAMPLE if kept else Decision.DROP
        return SamplingResult(decision, attributes if kept else None, parent.trace_state)

    def get_description(self) -> str:
        """As the specification asks."""
        return f"Paced{{{self._others.rate:g}/s}}"
