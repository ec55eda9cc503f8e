"""Processes that outlive the command that started them: found again by id and start time, stopped by id."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import psutil

from deploy.embedded.state import check_room
from deploy.files import write
from deploy.problems import Problem
from deploy.waiting import until

PATIENCE = 60.0
"""Seconds that a process gets to be ready."""
MAX_LOG_BYTES = 10_000_000
GATE = ("/bin/sh", "-c", 'read -r _ && exec "$@"')
"""Becomes the program once told to. Whose starter is gone before it could remember its id ends without having run."""


@dataclass(frozen=True)
class Program:
    """What to run, and how it is asked to stop."""

    name: str
    command: Sequence[str]
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: int = signal.SIGTERM
    patience: float = 10.0
    """Seconds between the signal and SIGKILL."""
    gated: bool = False
    """Whether it waits for a line on its standard input before it begins."""
    inherits: Sequence[int] = ()
    """File descriptors that it gets, under the same numbers."""


@dataclass(frozen=True)
class Record:
    """A process as its file under run/ remembers it."""

    pid: int
    started: str
    """When, so that another process that got the same id is never taken for this one."""
    port: int
    stop_signal: int
    patience: float
    waits: bool
    """Whether it has not been told to begin; if its starter is gone, it is about to end."""


class Processes:
    """The processes of one state folder."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self.logs = state / "logs"
        self.run = state / "run"
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, program: Program) -> psutil.Process:
        """Start a program in a session of its own: Ctrl-C in the terminal does not reach it."""
        child = self._spawn(program)
        self._adopt(program, child)
        self._say_go(child)
        if not program.gated:
            self.abandon(program.name)
        return psutil.Process(child.pid)

    def prepare(self, program: Program) -> subprocess.Popen[bytes]:
        """Start a gated program beside the one of its name, for `replace`. It ends if its starter does."""
        child = self._spawn(program)
        self._say_go(child)
        return child

    @staticmethod
    def dismiss(child: subprocess.Popen[bytes]) -> None:
        """End what was prepared and is not wanted."""
        child.kill()
        child.communicate()

    def replace(self, program: Program, child: subprocess.Popen[bytes]) -> None:
        """Stop a program and put the prepared one in its place, to be let go."""
        self.stop(program.name)
        self._adopt(program, child)

    def let_go(self, name: str) -> None:
        """Tell a child that waits for it to go on."""
        self._say_go(self._children[name])
        self.abandon(name)
        if record := self.record(name):
            self._remember(name, replace(record, waits=False))

    def abandon(self, name: str) -> None:
        """Say no more to a child, as when its starter has ended."""
        stdin = self._children[name].stdin
        if stdin:
            with suppress(BrokenPipeError):
                stdin.close()

    def alive(self, name: str) -> psutil.Process | None:
        """The process of that name, if it still runs."""
        if child := self._children.get(name):
            child.poll()
        record = self.record(name)
        if record is None:
            return None
        try:
            process = psutil.Process(record.pid)
            return process if started(record.pid) == record.started and not _has_ended(process) else None
        except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            return None

    def runs(self, name: str) -> bool:
        """Whether it runs, and was told to begin."""
        record = self.record(name)
        return record is not None and not record.waits and self.alive(name) is not None

    def record(self, name: str) -> Record | None:
        """What is remembered of the last start."""
        try:
            return Record(**json.loads(self._file(name).read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def names(self) -> list[str]:
        """Everything that was started and not yet stopped."""
        return sorted(file.stem for file in self.run.glob("*.json"))

    def stop(self, name: str) -> bool:
        """Stop a process, by force if it takes too long, and forget it.

        Returns:
            Whether it ended by itself when asked.
        """
        process, record = self.alive(name), self.record(name)
        asked = bool(process and record and _end(process, record.stop_signal, record.patience))
        if process and not asked:
            for one in (process, *_children(process)):
                _end(one, signal.SIGKILL, 10.0)
        self._forget(name)
        return asked

    def kill(self, name: str) -> None:
        """End a process as a crash would."""
        if process := self.alive(name):
            _end(process, signal.SIGKILL, 10.0)
        self._forget(name)

    async def until_ready(self, name: str, ready: Callable[[str], Awaitable[bool]]) -> None:
        """Wait until a process is ready.

        Raises:
            Problem: it ended, or took too long; with the end of its log.
        """

        async def settled() -> bool:
            return self.alive(name) is None or await ready(name)

        if not await until(settled, PATIENCE) or self.alive(name) is None:
            check_room(self._state, least=1_000_000)
            raise Problem(
                f"{name} did not start. Its log, {self.logs / name}.log, ends with:", self.tail(name) or "(nothing)"
            )

    def tail(self, name: str, lines: int = 12) -> str:
        """The last lines of a process's log."""
        file = self.logs / f"{name}.log"
        text = file.read_text(errors="replace") if file.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        self.run.mkdir(parents=True, exist_ok=True)
        with self._log(program.name) as log:
            return subprocess.Popen(
                (*GATE, program.name, *program.command),
                env=os.environ | program.environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=program.inherits,
            )

    def _adopt(self, program: Program, child: subprocess.Popen[bytes]) -> None:
        self._children[program.name] = child
        how = (program.port, program.stop_signal, program.patience, program.gated)
        self._remember(program.name, Record(child.pid, started(child.pid), *how))

    @staticmethod
    def _say_go(child: subprocess.Popen[bytes]) -> None:
        """One that has ended already does not hear it."""
        assert child.stdin
        with suppress(BrokenPipeError):
            child.stdin.write(b"go\n")
            child.stdin.flush()

    def _forget(self, name: str) -> None:
        if child := self._children.get(name):
            self.abandon(name)
            child.wait()
            del self._children[name]
        self._file(name).unlink(missing_ok=True)

    def _remember(self, name: str, record: Record) -> None:
        write(self._file(name), json.dumps(asdict(record)))

    def _file(self, name: str) -> Path:
        return self.run / f"{name}.json"

    def _log(self, name: str) -> BinaryIO:
        self.logs.mkdir(parents=True, exist_ok=True)
        file = self.logs / f"{name}.log"
        too_long = file.exists() and file.stat().st_size > MAX_LOG_BYTES
        return file.open("wb" if too_long else "ab")


def started(pid: int) -> str:
    """When a process began, in the kernel's own count: psutil's create_time moves when the clock is set."""
    if not sys.platform.startswith("linux"):
        return str(psutil.Process(pid).create_time())
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return f"{boot}/{ticks}"


def _end(process: psutil.Process, signal_number: int, seconds: float) -> bool:
    """Whether the process ended in time."""
    with suppress(psutil.NoSuchProcess):
        process.send_signal(signal_number)
    deadline = time.monotonic() + seconds
    while not _has_ended(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _has_ended(process: psutil.Process) -> bool:
    """A zombie counts: whoever inherited it may take its time to reap it."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
