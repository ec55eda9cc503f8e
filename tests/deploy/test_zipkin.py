"""Zipkin is there if it is asked for: from its pinned jar, on this machine alone, with what a service sends it."""

from pathlib import Path

import httpx
import psutil
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import format_trace_id

from deploy.embedded import jars, zipkin
from deploy.embedded.platform import Platform
from deploy.embedded.processes import Processes
from deploy.settings import LOOPBACK, Settings
from deploy.waiting import answers, until
from shared import tracing


def with_zipkin(folder: Path) -> Settings:
    return Settings.for_tests(folder).model_copy(update={"zipkin": True})


def test_only_who_asks_for_it_gets_it(tmp_path: Path) -> None:
    asked, plain = with_zipkin(tmp_path), Settings.for_tests(tmp_path)
    assert zipkin.NAME in Platform(asked).missing()
    assert zipkin.NAME not in Platform(plain).missing()
    assert asked.urls["zipkin"] == f"http://127.0.0.1:{asked.zipkin_port}"
    assert "zipkin" not in plain.urls
    assert zipkin.told(plain) == {}


async def test_what_a_service_sends_can_be_looked_at_there_and_from_this_machine_alone(
    tmp_path: Path, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = with_zipkin(tmp_path)
    process = processes.start(zipkin.program(settings, await jars.classpath(jars.ZIPKIN, lambda done, total: None)))

    async def ready() -> bool:
        return await answers(LOOPBACK, settings.zipkin_port, "/health")

    assert await until(ready, 60), processes.tail(zipkin.NAME)
    listening = [each.laddr for each in process.net_connections("tcp") if each.status == psutil.CONN_LISTEN]
    assert {(address.ip.removeprefix("::ffff:"), address.port) for address in listening} == {
        (LOOPBACK, settings.zipkin_port)
    }

    for name, value in zipkin.told(settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    provider = TracerProvider(shutdown_on_exit=False)
    (processor,) = tracing._processors("intake")
    provider.add_span_processor(processor)
    span = provider.get_tracer("tests").start_span("POST /v1/proposals", attributes={"i2pcc.proposal_id": "some-id"})
    span.end()
    provider.shutdown()
    path = f"{settings.urls['zipkin']}/api/v2/trace/{format_trace_id(span.get_span_context().trace_id)}"
    async with httpx.AsyncClient(trust_env=False) as http:

        async def kept() -> bool:
            return (await http.get(path)).is_success

        assert await until(kept, 30)
        (found,) = (await http.get(path)).json()
    assert found["tags"]["i2pcc.proposal_id"] == "some-id"
