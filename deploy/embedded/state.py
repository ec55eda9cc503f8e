"""The state folder: ours alone, writable, and in the hands of one command at a time."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.files import write
from deploy.problems import Problem, disk

MARK = "i2pcc-state"
SAYS = "State of the I2PCC platform, layout 1. `i2pcc down --wipe` removes this folder.\n"
ELSEWHERE = "Or choose another folder: I2PCC_STATE=/path/to/folder"
RESTORING = "restoring"
"""A file that is there, and locked, while a backup is restored; what it is left in holds half of one."""
LEAST_FREE = 200_000_000
"""Bytes; a first start takes about half of that."""


def prepare(state: Path) -> None:
    """Have a state folder that can be written to.

    Raises:
        Problem: it is someone else's or another version's, can't be written to, or the disk is nearly full.
    """
    with disk(state):
        is_ours(state)
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (state / MARK).exists():
            write(state / MARK, SAYS)
    if (state / MARK).read_text(errors="replace") != SAYS:
        raise Problem(
            f"{state} is damaged, or of another version of the platform: its file {MARK} is not this version's.",
            f"Use the version that made it, or remove it with `i2pcc down --wipe`. {ELSEWHERE}",
        )
    check_room(state)


def refuse_half(state: Path) -> None:
    """Raise Problem where a restore was cut short: what is there must not be served."""
    if (state / RESTORING).exists():
        raise Problem(
            f"{state} holds half of a backup: its restore goes on, or was cut short.",
            "Repeat it with `i2pcc restore`, or remove it with `i2pcc down --wipe`.",
        )


def check_room(state: Path, least: int = LEAST_FREE) -> None:
    """Raise Problem when fewer bytes than `least` are free."""
    free = shutil.disk_usage(state).free
    if free < least:
        raise Problem(
            f"Only {free // 1_000_000} MB are free on the disk of {state}; {LEAST_FREE // 1_000_000} MB are needed.",
            f"Free some space. {ELSEWHERE}",
        )


def is_ours(state: Path) -> bool:
    """Whether `prepare` made this folder; one that is not there, or empty, is nobody's.

    Raises:
        Problem: it is someone else's.
    """
    with disk(state):
        if not state.exists() or not any(state.iterdir()):
            return False
        if not (state / MARK).exists():
            raise Problem(f"{state} holds files that are not this platform's, and is left alone.", ELSEWHERE)
    return True


def wipe(state: Path) -> None:
    """Remove everything; only a folder that `prepare` made.

    Raises:
        Problem: it is someone else's, or may not be removed.
    """
    if is_ours(state):
        with disk(state, "Let its owner remove it."):
            _remove_mark_last(state)


def _remove_mark_last(state: Path) -> None:
    """A removal that was cut short can be taken up again: until the end the folder is known as ours."""
    for found in state.iterdir():
        if found.is_dir() and not found.is_symlink():
            shutil.rmtree(found)
        elif found.name != MARK:
            found.unlink()
    (state / MARK).unlink()
    state.rmdir()


@contextmanager
def alone(
    state: Path,
    message: str = "Another i2pcc command is starting or stopping this platform.",
    hint: str = "Try again in a moment.",
    lock: str = "lock",
) -> Iterator[None]:
    """Keep another command from doing the same meanwhile; a killed command lets go by itself.

    Raises:
        Problem: another command is at it.
    """
    with disk(state):
        descriptor = os.open(state / lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _take(descriptor, message, hint)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, message: str, hint: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Problem(message, hint) from None
