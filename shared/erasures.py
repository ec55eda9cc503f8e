"""Who was erased, noted outside the database: a backup that is older than an erasure does not know of it.

A ledger is a file of JSON lines, each with a moment and the id of a contact, nothing personal. A service is told of a
folder that holds its own ledger and links to others, beside the backups: one of them is there whatever is lost.
"""

import logging
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel

log = logging.getLogger(__name__)

OWN = "own.jsonl"
"""The ledger of the folder's own platform; it must take each note, links may lead nowhere for a while."""
BEGINS = b'{"at":'


class Erasure(BaseModel):
    """A line of a ledger."""

    at: datetime
    contact_id: UUID


def note(folder: Path, contact_id: UUID) -> None:
    """Write an erasure into all ledgers of a folder before it is committed: none is made that is not noted.

    Raises:
        OSError: the folder's own ledger could not be written.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    erasure = Erasure(at=datetime.now(UTC), contact_id=contact_id)
    append(folder / OWN, [erasure])
    for file in sorted(folder.glob("*.jsonl")):
        if file.name != OWN:
            try:
                append(file, [erasure])
            except OSError as error:
                log.warning("the ledger of erasures %s cannot be written: %s", file, type(error).__name__)


def append(file: Path, erasures: Iterable[Erasure]) -> None:
    """Add lines, on the disk when this returns. Each has a line of its own even if the one before was cut short."""
    text = "".join(f"\n{erasure.model_dump_json()}\n" for erasure in erasures)
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(descriptor)


def read(file: Path) -> list[Erasure]:
    """All lines but one that was cut short: its command failed.

    Raises:
        ValueError: it is no ledger.
    """
    lines = filter(None, file.read_bytes().splitlines())
    return [Erasure.model_validate_json(line) for line in lines if not _is_torn(line)]


def _is_torn(line: bytes) -> bool:
    return not line.endswith(b"}") and BEGINS.startswith(line[: len(BEGINS)])
