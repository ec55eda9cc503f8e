"""Logs of a service and of its libraries alike: one line an event, with its trace id; JSON unless on a terminal.

Of an exception a line has the type and the place, never the message: that may quote the values of a statement.
"""

import logging
import sys
from typing import Any

import orjson
import structlog
from opentelemetry import trace
from structlog.typing import EventDict, Processor, WrappedLogger

from shared.deadletters import explain
from shared.settings import Logs

MOST = 1_000
"""Lines that are remembered."""


def setup(service: str) -> None:
    """Have everything that is logged in this process written to the standard error, from the level that is set on."""
    logging.captureWarnings(True)
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(service, terminal=sys.stderr.isatty()))
    handler.addFilter(Sparing())
    logging.basicConfig(level=Logs().level, handlers=[handler], force=True)


class Sparing(logging.Filter):
    """Lets one of lines that are alike pass each second: aiokafka says thousands while a broker dies."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it was not said just before."""
        try:
            line = record.name, record.getMessage()
        except Exception:  # its arguments do not fit: logging itself says so
            return True
        passes = record.created - self._said.get(line, 0.0) >= 1.0
        if passes:
            if len(self._said) >= MOST:
                self._said.clear()
            self._said[line] = record.created
        return passes


def formatter(service: str, *, terminal: bool) -> logging.Formatter:
    """What makes a record one line."""
    text: Processor = structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer(_json)

    def named(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {**event, "service": service}

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            named,
            _traced,
            _brief,
        ],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, text],
    )


def _traced(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Name the trace that what is going on belongs to; of what belongs to none, null."""
    found = trace.get_current_span().get_span_context()
    return {**event, "trace_id": trace.format_trace_id(found.trace_id) if found.is_valid else None}


def _brief(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """A message's first line (asyncio's next ones show a task with its exception); of an exception type and place."""
    event["event"] = str(event["event"]).partition("\n")[0]
    event.pop("stack_info", None)
    if error := (event.pop("exc_info", None) or (None, None))[1]:
        event["error"] = explain(error, personal=True)
    return event


def _json(event: EventDict, **_: Any) -> str:
    return orjson.dumps(event, default=repr).decode()
