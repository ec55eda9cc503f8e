"""Ctrl-C, SIGTERM and a closed terminal end a command in the same way: it tidies up, and says so in its exit code."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(Exception):
    """The command was told to stop, and has tidied up."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.code = 128 + number


def run(work: Coroutine[Any, Any, T], loop: Callable[[], asyncio.AbstractEventLoop] | None = None) -> T:
    """Run until done or told to stop; who is told twice is as quick as who is told once.

    Raises:
        Interrupted: it was told to stop.
    """
    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(_until_told(work))


async def _until_told(work: Coroutine[Any, Any, T]) -> T:
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task
    told: list[int] = []

    def tell(number: int) -> None:
        if number == signal.SIGHUP:
            _fall_silent()
        if not told:
            task.cancel()
        told.append(number)

    for number in SIGNALS:
        loop.add_signal_handler(number, tell, number)
    try:
        return await work
    except asyncio.CancelledError:
        if told:
            raise Interrupted(told[0]) from None
        raise


def _fall_silent() -> None:
    """The terminal is gone: what is still written would be an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
