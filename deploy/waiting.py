"""Wait for a condition, never for a time; do things beside each other."""

import asyncio
import itertools
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, closing, suppress
from typing import Any, TypeVar

T = TypeVar("T")
INTERVAL = 0.02
"""Seconds between two looks."""


async def until(condition: Callable[[], Awaitable[bool]], seconds: float, interval: float = INTERVAL) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + seconds
    for _ in itertools.count():
        if await condition():
            return True
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(interval)
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


async def answers(host: str, port: int, path: str) -> bool:
    """Whether an HTTP server says 200 there. No client library: its import takes longer than the answer."""
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(host, port)
            with closing(writer):
                writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                return (await reader.readline()).split()[1:2] == [b"200"]
    except (OSError, TimeoutError):
        return False


async def abandonable(function: Callable[..., T], *arguments: Any) -> T:
    """Like asyncio.to_thread, in a thread that does not keep a command from ending when it was told to stop."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def tell(settle: Callable[[Any], None], value: object) -> None:
        with suppress(RuntimeError):  # the loop has been closed: nobody listens
            loop.call_soon_threadsafe(lambda: None if outcome.done() else settle(value))

    def work() -> None:
        try:
            tell(outcome.set_result, function(*arguments))
        except BaseException as error:
            tell(outcome.set_exception, error)

    threading.Thread(target=work, daemon=True).start()
    return await outcome


async def stoppable(function: Callable[..., T], *arguments: Any) -> T:
    """The same for what takes one argument more: an event, by which it is told to end when nobody waits any more."""
    over = threading.Event()
    try:
        return await abandonable(function, *arguments, over)
    finally:
        over.set()


async def whole(work: Coroutine[Any, Any, T]) -> T:
    """Do this to its end, also when told to stop meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Have something go on meanwhile that would never end; if it does, that is told at the end."""
    task = asyncio.create_task(work)
    try:
        yield
        if task.done():
            task.result()
            raise RuntimeError("it ended by itself")
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


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
