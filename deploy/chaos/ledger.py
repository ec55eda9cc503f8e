"""The ledger: every command as it was sent and every answer as it came, in a file outside of the platform."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO
from uuid import uuid4

import orjson


@dataclass
class Command:
    """One command; repeated with its key until it is answered."""

    number: int
    service: str
    method: str
    path: str
    body: Mapping[str, Any]
    topic: str
    """Where its effect is told."""
    id_field: str
    """What the answer calls the id of what it was about."""
    key: str = field(default_factory=lambda: str(uuid4()))
    failures: list[str] = field(default_factory=list)
    """Why it had to be sent again, each time."""
    waited: float = 0.0
    """Seconds that the last sending of it took to be answered."""
    status: int | None = None
    """Of the answer; None: nobody knows what became of it."""
    id: str | None = None
    version: int | None = None
    """Of what it was about, as the answer says."""

    @property
    def acknowledged(self) -> bool:
        """Whether the platform said that it was done."""
        return self.status is not None and self.status < 300

    @property
    def refused(self) -> bool:
        """Whether the platform said no; to a good command it never should."""
        return self.status is not None and self.status >= 400

    @property
    def is_new(self) -> bool:
        """Whether it makes something, rather than changing it."""
        return self.method == "POST"


class Ledger:
    """All commands of one trial, in the order they were sent."""

    def __init__(self, file: Path) -> None:
        self.commands: list[Command] = []
        self._file: TextIO = file.open("w", encoding="utf-8")

    def send(self, command: Command) -> None:
        """Note a command that is about to be sent."""
        self.commands.append(command)
        self._write("sent", command)

    def answer(self, command: Command) -> None:
        """Note what it was answered."""
        self._write("answered", command)

    @property
    def acknowledged(self) -> list[Command]:
        """What the platform said was done."""
        return [command for command in self.commands if command.acknowledged]

    def close(self) -> None:
        """No more is noted."""
        self._file.close()

    def _write(self, what: str, command: Command) -> None:
        self._file.write(orjson.dumps({"what": what, **asdict(command)}).decode() + "\n")
        self._file.flush()
