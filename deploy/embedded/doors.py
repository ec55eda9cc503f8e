"""Unix sockets at which a service lends the socket that it listens on, to the start that replaces it."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOM = 100
"""Bytes of a path that a Unix socket has room for everywhere."""


@contextmanager
def opened(door: Path) -> Iterator[socket.socket]:
    """A door, in the place of what a dead process may have left there."""
    door.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as made, _short(door) as path:
        made.bind(path)
        yield made


def lend(door: socket.socket, listening: int) -> None:
    """Give the listening socket to whoever asks from now on, in a thread."""
    door.listen()
    threading.Thread(target=_give, args=(door, os.dup(listening)), daemon=True).start()


def _give(door: socket.socket, listening: int) -> None:
    with suppress(OSError):  # the door is closed
        while True:
            with door.accept()[0] as taker:
                socket.send_fds(taker, [b"."], [listening])


def borrow(door: Path) -> socket.socket:
    """The socket that is lent there.

    Raises:
        OSError: nobody lends one.
    """
    with socket.socket(socket.AF_UNIX) as asking, _short(door) as path:
        asking.settimeout(5)
        asking.connect(path)
        _, (number, *_), _, _ = socket.recv_fds(asking, 1, 1)
    return socket.socket(fileno=number)


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """The same place in few characters."""
    if len(os.fsencode(path)) < ROOM:
        yield os.fspath(path)
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
