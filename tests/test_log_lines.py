"""What real service processes log: one object a line, by default nothing but warnings, and each with its trace."""

from typing import Any
from uuid import uuid4

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from deploy.embedded.platform import Platform
from deploy.manifest import ADMIN
from deploy.waiting import until
from shared.events import NeedPosted
from shared.kafka import client
from tests.browser import Browser

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def lines(platform: Platform, service: str) -> list[dict[str, Any]]:
    """A service's log."""
    return [orjson.loads(line) for line in (platform.processes.logs / f"{service}.log").read_text().splitlines()]


async def test_a_dead_letters_line_has_the_trace_of_its_event(operator: Browser) -> None:
    platform, key = operator.platform, str(uuid4())
    headers = [("ce_type", b"NeedPosted"), ("traceparent", f"00-{TRACE}-00f067aa0ba902b7-01".encode())]
    async with AIOKafkaProducer(**client(platform.kafka(ADMIN)), enable_idempotence=True) as producer:
        sent = await producer.send_and_wait(NeedPosted.topic, b"not an event", key.encode(), headers=headers)
    event = f"dead letter {NeedPosted.topic}/{sent.partition}@{sent.offset}: missing CloudEvents attribute: ce_id"

    def said() -> list[dict[str, Any]]:
        return [line for line in lines(platform, "matching") if line["event"] == event]

    async def told() -> bool:
        return bool(said())

    assert await until(told, 30)
    (line,) = said()
    assert (line["level"], line["logger"], line["service"]) == ("error", "shared.deadletters", "matching")
    assert line["trace_id"] == TRACE


async def test_libraries_write_the_same_lines_and_only_when_they_are_asked_to(
    operator: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = operator.platform
    assert not [line for line in lines(platform, "notify") if line["level"] in ("debug", "info")]
    with monkeypatch.context() as environment:
        environment.setenv("I2PCC_LOG_LEVEL", "info")
        await platform.restart("notify")
    try:
        loggers = {line["logger"] for line in lines(platform, "notify") if line["level"] == "info"}
    finally:
        await platform.restart("notify")
    assert "uvicorn.error" in loggers
    assert any(name.startswith("aiokafka.") for name in loggers)
