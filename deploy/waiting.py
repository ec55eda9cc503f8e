"""Wait for a condition, never for a time; do things beside each other."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

INTERVAL = 0.02
"""Seconds between two looks."""


async def until(condition: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + seconds
    for _ in itertools.count():
        if await condition():
            return True
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(INTERVAL)
    raise AssertionError("counts for ever")


async def listens(host: str, port: int) -> bool:
    """Whether a server takes connections there."""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), timeout=1)
        writer.close()
        await writer.wait_closed()
    except (OSError, TimeoutError):
        return False
    return True


class Together:
    """A task group that raises the first failure itself, not a group of them."""

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> "Together":
        await self._group.__aenter__()
        return self

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this beside the rest."""
        self._group.create_task(work)

    async def __aexit__(self, *error: Any) -> None:
        try:
            await self._group.__aexit__(*error)
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
