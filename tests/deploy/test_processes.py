"""Processes are found again and stopped by who they are, never by a bare id."""

import asyncio
import json
import signal
import sys
from dataclasses import asdict, replace
from pathlib import Path

import psutil
from psutil import process_iter as running

from deploy.embedded.processes import Processes, Program
from deploy.waiting import until

WAITING = "import signal; signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"


def program(code: str, patience: float = 10.0) -> Program:
    return Program("it", (sys.executable, "-c", code), port=1, patience=patience)


def test_another_command_finds_and_stops_what_this_one_started(processes: Processes, tmp_path: Path) -> None:
    process = processes.start(program(WAITING))
    other = Processes(tmp_path)
    assert other.alive("it") == process
    assert other.stop("it")
    assert other.names() == []
    assert processes.alive("it") is None
    assert not process.is_running()


async def test_what_ignores_the_signal_is_stopped_by_force(processes: Processes) -> None:
    process = processes.start(program(STUBBORN, patience=0.1))

    async def is_up() -> bool:
        return processes.tail("it") == "up"

    assert await until(is_up, 10)
    assert not processes.stop("it")
    assert not process.is_running()


def test_a_stranger_with_the_same_id_is_left_alone(processes: Processes) -> None:
    process = processes.start(program(WAITING))
    record = processes.record("it")
    assert record
    (processes.run / "old.json").write_text(json.dumps(asdict(replace(record, started="another boot/1"))))
    assert processes.alive("old") is None
    processes.stop("old")
    assert process.status() != psutil.STATUS_ZOMBIE
    assert processes.names() == ["it"]


def test_a_half_written_record_is_no_process(processes: Processes) -> None:
    processes.run.mkdir()
    (processes.run / "it.json").write_text('{"pid": 1')
    assert processes.alive("it") is None


def test_a_child_whose_starter_is_gone_ends_without_having_run(processes: Processes) -> None:
    code = "import sys; line = sys.stdin.readline(); print('ran' if line else 'left')"
    process = processes.start(replace(program(code), gated=True))
    processes.abandon("it")
    process.wait(10)
    assert processes.tail("it") == "left"


async def test_what_was_not_remembered_before_its_starter_was_killed_never_runs(tmp_path: Path) -> None:
    killed = f"""
import os
from pathlib import Path
from deploy.embedded import processes
processes.write = lambda *_: os.kill(os.getpid(), 9)
touch = ("/bin/sh", "-c", "touch {tmp_path}/ran")
processes.Processes(Path({str(tmp_path)!r})).start(processes.Program("it", touch, port=1))
"""
    starter = await asyncio.create_subprocess_exec(sys.executable, "-c", killed)
    assert await starter.wait() == -signal.SIGKILL

    async def it_is_gone() -> bool:
        return not any(f"touch {tmp_path}/ran" in (found.info["cmdline"] or ()) for found in running(["cmdline"]))

    assert await until(it_is_gone, 10)
    assert not (tmp_path / "ran").exists()


def test_what_waits_to_be_told_does_not_count_as_running(processes: Processes) -> None:
    processes.start(replace(program(f"import sys; sys.stdin.readline(); {WAITING}"), gated=True))
    assert processes.alive("it")
    assert not processes.runs("it")
    processes.let_go("it")
    assert processes.runs("it")


async def test_what_a_stubborn_program_started_ends_with_it(processes: Processes) -> None:
    parent = f"import subprocess, sys; subprocess.Popen((sys.executable, '-c', {STUBBORN!r}))\n{STUBBORN}"
    process = processes.start(program(parent, patience=0.1))

    async def both_are_up() -> bool:
        return processes.tail("it") == "up\nup"

    assert await until(both_are_up, 10)
    (child,) = process.children()
    assert not processes.stop("it")
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
