"""The ledgers of erasures: one in the state folder, one beside the backups, and each note is in both."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from deploy.problems import Problem, disk
from shared.erasures import OWN, Erasure, append, read

NAME = "erasures.jsonl"


def beside(backup: Path) -> Path:
    """The ledger of all backups that lie in one folder."""
    return backup.absolute().parent / NAME


def join(folder: Path, backup: Path) -> None:
    """Have each erasure from now on noted beside a backup too, and bring that ledger and the folder's up to date."""
    folder.mkdir(mode=0o700, exist_ok=True)
    file = beside(backup)
    link = folder / f"{hashlib.sha256(str(file).encode()).hexdigest()[:16]}.jsonl"
    if not link.is_symlink():
        link.symlink_to(file)
    bring(file, known(folder / OWN))
    bring(folder / OWN, known(file))


def keep(folder: Path, erasures: Iterable[Erasure], backup: Path) -> None:
    """Go on with what is known in a folder that has none yet: an older backup may be restored one day."""
    folder.mkdir(mode=0o700, exist_ok=True)
    bring(folder / OWN, erasures)
    if os.access(beside(backup).parent, os.W_OK):
        join(folder, backup)


def bring(file: Path, erasures: Iterable[Erasure]) -> None:
    """Add to a ledger, which is made if it is missing, what it does not have yet."""
    with disk(file.parent, "Name a folder for the backup that can be written beside."):
        held = {each.contact_id for each in known(file)}
        append(file, [each for each in erasures if each.contact_id not in held])


def known(file: Path) -> list[Erasure]:
    """What a ledger holds; nothing if it is not there.

    Raises:
        Problem: it is no ledger.
    """
    try:
        return read(file) if file.exists() else []
    except ValidationError as error:
        first = error.errors()[0]["msg"]
        raise Problem(f"{file} is not a ledger of erasures: {first}.", "Restore it; no erasure may be lost.") from error


def given(backup: Path, file: Path | None) -> list[Erasure]:
    """The erasures to apply again: of the file that was named, or of the one beside the backup.

    Raises:
        Problem: there is none.
    """
    ledger = file or beside(backup)
    if not ledger.exists():
        raise Problem(
            f"{ledger} is not there, so it is not known who was erased after this backup.",
            "Name the ledger with --erasures: .i2pcc/erasures/own.jsonl of the platform that was backed up, or its "
            "copy beside the backups. /dev/null says that nobody was.",
        )
    return known(ledger)
