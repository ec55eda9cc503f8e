"""Files that are there whole or not at all."""

import os
from pathlib import Path


def write(file: Path, text: str, owner: int = -1, mode: int = 0o600) -> None:
    """Write a file that only its owner reads, whole or not at all; the owner is a user's number, or who writes it."""
    beside = file.with_name(f"{file.name}.new")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "w") as stream:
            os.fchown(descriptor, owner, owner)
            stream.write(text)
            stream.flush()
            os.fsync(descriptor)
        beside.replace(file)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
