"""A failure that was foreseen: it is told in a sentence, never as a traceback."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DISK = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "it is read-only",
    errno.EACCES: "it is another user's",
    errno.EPERM: "it is another user's",
    errno.ENOTDIR: "a file is in its way",
    errno.EEXIST: "a file is in its way",
    errno.ENOENT: "there is no such place",
}


class Problem(Exception):
    """What went wrong, and what to do about it."""

    def __init__(self, message: str, hint: str = "", code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code
        """Exit code of the command: 1, or 2 for wrong usage."""


@contextmanager
def disk(folder: Path | None = None, hint: str = "") -> Iterator[None]:
    """Tell what keeps files from being read or written, under a folder or where the error says."""
    try:
        yield
    except OSError as error:
        where = folder or error.filename
        if error.errno not in _DISK or not where or (error.errno == errno.ENOENT and not folder):
            raise
        raise Problem(
            f"Nothing can be written to {where}: {_DISK[error.errno]}.",
            hint or "Mend that, or choose another folder: I2PCC_STATE=/path/to/folder",
        ) from error
