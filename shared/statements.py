"""Statements as spans, by OpenTelemetry's instrumentation of asyncpg, in the names of the stable conventions.

Only where a trace is kept: a relay or a consumer that asks the database for news would begin one each time. The text of
a statement has placeholders, and an error's message, which quotes values, stays out.
"""

import os
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from opentelemetry import trace
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, Tracer

Call = Callable[..., Awaitable[Any]]

STABLE = "OTEL_SEMCONV_STABILITY_OPT_IN"
WRITES = re.compile(r"\b(?<!do )(?<!for )(insert into|update|delete from)\s+([a-z_.]+)", re.IGNORECASE)
READS = re.compile(r"\bfrom\s+([a-z_.]+)", re.IGNORECASE)
LONGEST = 255
"""Characters of a summary, as the conventions have it."""


def instrument(provider: TracerProvider) -> None:
    """Have asyncpg's statements recorded by a provider."""
    os.environ.setdefault(STABLE, "database")
    _WithinTraces().instrument(tracer_provider=_Provider(provider))  # type: ignore[no-untyped-call]


class _WithinTraces(AsyncPGInstrumentor):
    """Costs nothing where no trace is kept."""

    async def _do_execute(self, func: Call, instance: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        if not trace.get_current_span().is_recording():
            return await func(*args, **kwargs)
        return await super()._do_execute(func, instance, args, kwargs)  # type: ignore[no-untyped-call]

    async def _do_cursor_execute(
        self, func: Call, instance: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        if not trace.get_current_span().is_recording():
            return await func(*args, **kwargs)
        return await super()._do_cursor_execute(func, instance, args, kwargs)  # type: ignore[no-untyped-call]

    async def _do_prepared_execute(
        self, func: Call, instance: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        if not trace.get_current_span().is_recording():
            return await func(*args, **kwargs)
        return await super()._do_prepared_execute(func, instance, args, kwargs)  # type: ignore[no-untyped-call]


class _Provider(trace.TracerProvider):
    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider

    def get_tracer(self, *args: Any, **kwargs: Any) -> Tracer:
        return _Tracer(self._provider.get_tracer(*args, **kwargs))


class _Tracer(Tracer):
    """Names a span by what it does to which table, and records no exception."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def start_span(self, name: str, *args: Any, **kwargs: Any) -> Span:
        return self._tracer.start_span(name, *args, **kwargs)

    @contextmanager
    def start_as_current_span(self, name: str, **kwargs: Any) -> Iterator[Span]:  # type: ignore[override]
        attributes = dict(kwargs["attributes"])
        operation = name.removeprefix("CURSOR: ").rstrip(";").upper()
        summary = summarised(operation, attributes.get("db.query.text", ""))
        kwargs["attributes"] = attributes | {"db.operation.name": operation, "db.query.summary": summary}
        kwargs |= {"record_exception": False, "set_status_on_exception": False}
        with self._tracer.start_as_current_span(summary, **kwargs) as span:
            yield span


@lru_cache
def summarised(operation: str, statement: str) -> str:
    """What a statement does to which tables, as in "INSERT proposal INSERT outbox"."""
    if writes := WRITES.findall(statement):
        return " ".join(f"{verb.split()[0].upper()} {table}" for verb, table in writes)[:LONGEST]
    read = READS.search(statement)
    return f"{operation} {read[1]}" if read else operation
