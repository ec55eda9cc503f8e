"""A log line: one JSON object, with the trace it belongs to and nothing of an exception's message."""

import asyncio
import logging
from typing import Any

import orjson
import pytest
from opentelemetry.trace import format_trace_id

from shared import telemetry
from shared.logs import Sparing, formatter

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"


def line(record: logging.LogRecord) -> dict[str, Any]:
    """What becomes of a record."""
    text = formatter("intake", terminal=False).format(record)
    assert "\n" not in text
    told: dict[str, Any] = orjson.loads(text)
    return told


def record(name: str = "aiokafka.conn", message: str = "closed %s", *args: object, **more: Any) -> logging.LogRecord:
    return logging.getLogger(name).makeRecord(name, logging.WARNING, "x.py", 1, message, args, more.get("exc_info"))


def test_a_librarys_line_is_one_object_with_its_logger_and_level() -> None:
    told = line(record("aiokafka.conn", "closed %s", "node 1"))
    assert told.pop("timestamp").endswith("Z")
    assert told == {
        "event": "closed node 1",
        "level": "warning",
        "logger": "aiokafka.conn",
        "service": "intake",
        "trace_id": None,
    }


def test_a_line_names_its_trace_be_it_kept_or_not() -> None:
    with telemetry.within(TRACEPARENT):
        told = line(record("shared.bus", "dead letter"))
    assert told["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"


def test_an_exceptions_message_is_in_no_line() -> None:
    try:
        raise ValueError("An Peeters")
    except ValueError as error:
        told = line(record("uvicorn.error", "Exception in ASGI application\n", exc_info=(ValueError, error, None)))
    assert told["event"] == "Exception in ASGI application"
    assert told["error"].startswith("ValueError at test_an_exceptions_message")
    assert "Peeters" not in str(told)


async def test_what_a_forgotten_task_failed_with_is_told_by_its_type(caplog: pytest.LogCaptureFixture) -> None:
    async def forgotten() -> None:
        raise ValueError("An Peeters")

    task = asyncio.create_task(forgotten())
    await asyncio.wait([task])
    context = {"message": "Task exception was never retrieved", "task": task, "exception": task.exception()}
    asyncio.get_running_loop().call_exception_handler(context)
    (said,) = [each for each in caplog.records if each.name == "asyncio"]
    assert "Peeters" in logging.Formatter().format(said)
    told = line(said)
    assert (told["event"], told["error"].split(" at ")[0]) == ("Task exception was never retrieved", "ValueError")
    assert "Peeters" not in str(told)


def test_a_step_that_has_failed_is_still_known_when_it_is_logged() -> None:
    with pytest.raises(ValueError, match="x") as caught, telemetry.step("mail", TRACEPARENT):
        raise ValueError("x")
    with telemetry.within(telemetry.where_failed(caught.value)):
        assert line(record("shared.service", "failed"))["trace_id"] == format_trace_id(int(TRACEPARENT[3:35], 16))


def test_on_a_terminal_a_line_is_for_people() -> None:
    text = formatter("intake", terminal=True).format(record("aiokafka.conn", "closed %s", "node 1"))
    assert "closed node 1" in text
    assert not text.startswith("{")


def test_of_lines_that_are_alike_one_a_second_is_written() -> None:
    sparing = Sparing()
    lines = [record(message=text) for text in ("away", "away", "back", "away", "away")]
    for written, created in zip(lines, (0, 0.5, 0.6, 0.9, 1.1), strict=True):
        written.created = 1_000 + created
    assert [sparing.filter(each) for each in lines] == [True, False, True, False, True]
