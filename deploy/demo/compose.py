"""The demo's stage on Docker: the stack of docker-compose.yml."""

import asyncio
import json
import shutil
from asyncio.subprocess import PIPE
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from deploy.problems import Problem
from deploy.settings import SERVICES, Settings
from shared.settings import Kafka

FILE = Path(__file__).parents[2] / "docker-compose.yml"
UP = ("up", "--detach", "--build", "--wait")
PASSWORDS = "/run/i2pcc/made/kafka.json"
WITHOUT = "`i2pcc demo` without --compose needs no Docker."


class Compose:
    """Brings the stack up, and takes it down again unless it was up before; its volumes stay."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._was_up = False
        self._passwords: dict[str, str] = {}

    async def start(self) -> None:
        """Build what is not built, wait until everything is healthy, and learn Kafka's passwords.

        Raises:
            Problem: there is no Docker here, or the stack does not come up.
        """
        if shutil.which("docker") is None:
            raise Problem("Docker is not installed here.", f"Install Docker with its compose plugin. {WITHOUT}")
        self._was_up = set(SERVICES) <= set((await _read("ps", "--services", "--status", "running")).split())
        try:
            if await _run(*UP):
                raise Problem("The stack did not come up.", "Docker says why above; `docker compose logs` says more.")
            self._passwords = json.loads(await _read("run", "--rm", "-T", "secrets", "cat", PASSWORDS))
        except BaseException:
            await self.stop()
            raise

    def kafka(self, user: str) -> Kafka:
        """The broker as a user of it is told."""
        password = SecretStr(self._passwords[user])
        return Kafka(servers=self.settings.kafka_servers, user=user, password=password)

    async def stop(self) -> None:
        """Take down what `start` brought up."""
        if not self._was_up:
            await _run("down")


async def _run(*arguments: str) -> int:
    """Let Docker show itself what it does, which can take minutes."""
    child = await _compose(*arguments)
    try:
        return await child.wait()
    except asyncio.CancelledError:
        with suppress(ProcessLookupError):
            child.terminate()
        await child.wait()
        raise


async def _read(*arguments: str) -> str:
    child = await _compose(*arguments, stdout=PIPE, stderr=PIPE)
    out, err = await child.communicate()
    if child.returncode:
        said = err.decode().strip().partition("\n")[0]
        raise Problem(f"Docker says: {said}", f"Does it run, and has it its compose plugin? {WITHOUT}")
    return out.decode()


async def _compose(*arguments: str, **streams: Any) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec("docker", "compose", "--file", str(FILE), *arguments, **streams)
