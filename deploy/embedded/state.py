"""The state folder: ours alone, writable, and in the hands of one command at a time."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.problems import Problem, disk

MARK = "i2pcc-state"
LEAST_FREE = 200_000_000
"""Bytes; a first start takes about half of that."""


def prepare(state: Path) -> None:
    """Have a state folder that can be written to.

    Raises:
        Problem: it is someone else's, can't be written to, or the disk is nearly full.
    """
    with disk(state):
        if state.exists() and any(state.iterdir()) and not (state / MARK).exists():
            raise Problem(
                f"{state} holds files that are not this platform's.",
                "Choose another folder: I2PCC_STATE=/path/to/folder",
            )
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        (state / MARK).write_text("State of the I2PCC platform. `i2pcc down --wipe` removes this folder.\n")
    free = shutil.disk_usage(state).free
    if free < LEAST_FREE:
        raise Problem(
            f"Only {free // 1_000_000} MB are free on the disk of {state}; {LEAST_FREE // 1_000_000} MB are needed.",
            "Free some space, or choose another folder: I2PCC_STATE=/path/to/folder",
        )


def wipe(state: Path) -> None:
    """Remove everything; only a folder that `prepare` made."""
    if (state / MARK).exists():
        with disk(state):
            shutil.rmtree(state)


@contextmanager
def alone(state: Path) -> Iterator[None]:
    """Keep another command from starting or stopping things meanwhile; a killed command lets go by itself."""
    with disk(state):
        descriptor = os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Problem(
            "Another i2pcc command is starting or stopping this platform.", "Try again in a moment."
        ) from None
    finally:
        os.close(descriptor)
