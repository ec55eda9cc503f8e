"""What a story is played on, and what the screen shows of it: the platform, wherever it runs."""

from typing import Protocol

from deploy.settings import Settings
from shared.settings import Kafka


class Stage(Protocol):
    """A platform that can be reached from this machine."""

    settings: Settings

    def kafka(self, user: str) -> Kafka:
        """The broker as a user of it is told."""

    async def start(self) -> None:
        """Bring everything up."""

    async def stop(self) -> None:
        """Stop what was started."""
