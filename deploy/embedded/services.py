"""The services' processes: started and let go, joined by more of them, replaced without a refused request."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from deploy.embedded import doors
from deploy.embedded.processes import PATIENCE, Processes, Program
from deploy.problems import Problem
from deploy.settings import Settings
from deploy.waiting import answers, until, whole

NONE: Mapping[str, str] = MappingProxyType({})


class Services:
    """Those of one state folder. Each imports first, and begins once it is let go."""

    def __init__(
        self, settings: Settings, processes: Processes, environment: Callable[[str], Mapping[str, str]]
    ) -> None:
        """Take what a service is told of its surroundings as a function of its name."""
        self._settings, self._processes, self._environment = settings, processes, environment

    def start(self, name: str, more: Mapping[str, str] = NONE) -> None:
        """Have one import, with more in its environment, if told."""
        self._processes.start(self._program(name, more))

    async def let_go(self, name: str) -> None:
        """Have one begin that has been started, and wait until it is ready."""
        self._processes.let_go(name)
        await self._processes.until_ready(name, self.is_ready)

    def begin(self, name: str, **more: str) -> None:
        """Start one, and do not wait until it is ready."""
        self.start(name, more)
        self._processes.let_go(name)

    async def join(self, name: str, instance: str, port: int) -> None:
        """Start another process of a service beside the first; `leave` ends it."""
        more = {f"I2PCC_{name.upper()}_PORT": str(port)}
        program = replace(self._program(name, more, door=instance), name=instance, port=port)
        self._processes.start(program)
        self._processes.let_go(instance)

        async def ready(_: str) -> bool:
            return await self.is_ready(name, port)

        await self._processes.until_ready(instance, ready)

    async def leave(self, instance: str) -> None:
        """Stop what has joined."""
        await asyncio.to_thread(self._processes.stop, instance)

    async def renew(self, name: str) -> None:
        """Replace one that runs. The new one imports while the old one serves, and takes over the socket it listens on:
        who asks meanwhile waits. Only one of them is ever in the consumer group.

        Raises:
            Problem: it does not run, or the new one did not start.
        """
        try:
            listening = await asyncio.to_thread(doors.borrow, self._door(name))
        except OSError:
            raise Problem(f"{name} does not run.", "Run: i2pcc up") from None
        door = self._door(f"{name}-next")
        door.unlink(missing_ok=True)
        with listening:
            number = listening.fileno()
            program = self._program(name, {"I2PCC_HTTP_FD": str(number)}, door=door.stem)
            child = self._processes.prepare(replace(program, inherits=(number,)))

            async def imported() -> bool:
                return door.exists() or child.poll() is not None

            if not await until(imported, PATIENCE) or child.poll() is not None:
                self._processes.dismiss(child)
                told = self._processes.tail(name) or "(nothing)"
                raise Problem(f"A new {name} did not start; the one that runs goes on. Its log ends with:", told)
            await whole(self._take_over(program, child))

    async def is_ready(self, name: str, port: int | None = None) -> bool:
        """Whether one does its work now: the first, or the one on this port."""
        return await answers(self._settings.address(name), port or self._settings.port(name), "/health/ready")

    async def _take_over(self, program: Program, child: subprocess.Popen[bytes]) -> None:
        await asyncio.to_thread(self._processes.replace, program, child)
        self._door(f"{program.name}-next").rename(self._door(program.name))
        await self.let_go(program.name)

    def _program(self, name: str, more: Mapping[str, str], door: str = "") -> Program:
        command = (sys.executable, "-m", "deploy.embedded.child", name, str(self._door(door or name)))
        environment = {**self._environment(name), **more}
        return Program(name, command, self._settings.port(name), environment, patience=15, gated=True)

    def _door(self, name: str) -> Path:
        return self._processes.run / f"{name}.door"
