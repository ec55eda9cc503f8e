"""What a backup's folder holds, and that it is whole: `contents.json` names every file with its sum."""

import hashlib
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Literal

from pydantic import BaseModel, ValidationError

from deploy.files import write
from deploy.manifest import Manifest
from deploy.problems import Problem, disk
from deploy.provision.run import SERVICES

NAME = "contents.json"
DATABASE = "database.dump"
GROUPS = "groups.json"
TOPICS = "topics"


class File(BaseModel):
    """A file as it was written."""

    sha256: str
    bytes: int


class Topic(BaseModel):
    """What is kept of a topic."""

    partitions: int
    records: int


class Contents(BaseModel):
    """`contents.json`."""

    layout: Literal[1] = 1
    at: datetime
    """The moment of which the database is; nothing on the topics is of later."""
    schemas: dict[str, str]
    """By service, the migration that its schema is at."""
    topics: dict[str, Topic]
    files: dict[str, File] = {}


def create(file: Path) -> BinaryIO:
    """A new file that only its owner reads."""
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def topic_file(folder: Path, topic: str) -> Path:
    """Where a topic's records are."""
    return folder / TOPICS / f"{topic}.jsonl.gz"


def close(folder: Path, contents: Contents) -> None:
    """Name all files, which are on the disk then, with their sums; with this the backup is whole."""
    for name in _names(folder):
        with (folder / name).open("rb") as stream:
            os.fsync(stream.fileno())
    files = {name: _summed(folder / name) for name in _names(folder)}
    write(folder / NAME, contents.model_copy(update={"files": files}).model_dump_json(indent=2) + "\n")


def read(folder: Path) -> Contents:
    """Read what a backup is made of, and find every file as it was written.

    Raises:
        Problem: it is no backup, or damaged.
    """
    file = folder / NAME
    if not file.is_file():
        raise Problem(f"{folder} is not a backup: it has no {NAME}.", "Name a folder that `i2pcc backup` has made.", 2)
    try:
        contents = Contents.model_validate_json(file.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise Problem(f"{file} is damaged: {where}: {first['msg']}.", "Restore another backup.") from error
    _check_files(folder, contents.files)
    return contents


def check_fits(contents: Contents, manifest: Manifest) -> None:
    """Find a place here for everything in a backup, before anything is made.

    Raises:
        Problem: it is of a newer version of the platform.
    """
    topics = {topic.name: topic.partitions for topic in manifest.topics}
    newer = [name for name, topic in contents.topics.items() if topics.get(name, 0) < topic.partitions]
    newer += [name for name, version in contents.schemas.items() if not _is_known(name, version)]
    if newer:
        raise Problem(
            f"The backup holds what this version of the platform has no place for: {', '.join(newer)}.",
            "Restore it with the version that made it, or a newer one.",
        )


def _is_known(service: str, version: str) -> bool:
    return any((SERVICES / service / "migrations").glob(f"{version}_*.py"))


def _check_files(folder: Path, files: Mapping[str, File]) -> None:
    missing = files.keys() - _names(folder)
    with disk(folder):
        wrong = sorted(missing) or [name for name, file in files.items() if _summed(folder / name) != file]
    if wrong:
        what = "is missing" if missing else "is not as it was written"
        raise Problem(f"{folder} is damaged: {wrong[0]} {what}.", "Nothing was restored. Restore another backup.")


def _names(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file() and file.name != NAME}


def _summed(file: Path) -> File:
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return File(sha256=digest, bytes=file.stat().st_size)
