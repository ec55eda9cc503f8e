"""Services are restarted under those who use them: nobody is refused, and another process answers."""

import asyncio
import shutil
import socket
import subprocess
import sys
from itertools import cycle
from pathlib import Path

import httpx
import pytest

from deploy.embedded import doors
from deploy.embedded.platform import Platform
from deploy.problems import Problem
from deploy.settings import SERVICES
from deploy.waiting import beside

COMMAND = (sys.executable, "-m", "deploy.cli", "restart")


async def test_no_request_fails_while_services_are_restarted(services: Platform) -> None:
    answers: dict[str, list[int]] = {service: [] for service in SERVICES}

    async def ask() -> None:
        """Each time by a connection of its own, so that none is an idle one."""
        for service in cycle(SERVICES):
            async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
                answers[service].append((await http.get(f"{services.urls[service]}/health/live")).status_code)

    before = {service: services.processes.record(service) for service in SERVICES}
    async with beside(ask()):
        await services.renew(SERVICES)
    for service in SERVICES:
        record = services.processes.record(service)
        assert record
        assert record.pid != getattr(before[service], "pid", None)
        assert set(answers[service]) == {200}


async def test_another_command_restarts_what_this_one_started(services: Platform) -> None:
    before = services.processes.record("intake")
    done = await asyncio.to_thread(
        subprocess.run,
        (*COMMAND, "intake"),
        env={"I2PCC_STATE": str(services.settings.state)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert services.processes.record("intake") != before
    assert await services.is_ready("intake")


async def test_a_service_that_does_not_start_again_goes_on_as_it_was(
    services: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = services.processes.record("regions")
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(Problem, match="A new regions did not start; the one that runs goes on"):
        await services.renew(["regions"])
    assert services.processes.record("regions") == before
    assert await services.is_ready("regions")


def test_a_socket_is_lent_in_the_place_of_what_a_dead_process_left(tmp_path: Path) -> None:
    """Also where the path is longer than a Unix socket's may be."""
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    door = folder / "intake.door"
    for _ in range(2):
        with doors.opened(door) as opened, socket.create_server(("127.0.0.1", 0)) as listening:
            doors.lend(opened, listening.fileno())
            with doors.borrow(door) as borrowed:
                assert borrowed.getsockname() == listening.getsockname()


async def test_what_does_not_run_cannot_be_restarted(services: Platform) -> None:
    services.kill("notify")
    try:
        with pytest.raises(Problem, match="notify does not run"):
            await services.renew(["notify"])
    finally:
        await services.restart("notify")
