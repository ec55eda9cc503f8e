"""What the matching commands do: matching's own work, on the tables of the platform of this machine."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import orjson

from deploy import interrupts
from deploy.embedded.platform import Platform
from deploy.problems import Problem, disk
from services.matching import refresh as taking
from services.matching import rematch as matching
from services.matching import training
from shared.db import Sessions
from shared.settings import Database

T = TypeVar("T")


def train(platform: Platform, file: Path | None, *, dry: bool) -> str:
    """Learn from the answers; what was decided, in words."""
    report = _on_tables(platform, partial(training.train, dry=dry))
    if file:
        with disk():
            file.write_bytes(orjson.dumps(training.as_json(report), option=orjson.OPT_INDENT_2))
    return training.told(report)


def rematch(platform: Platform) -> str:
    """Have everything matched anew; what was done, in words."""
    return matching.told(_on_tables(platform, matching.rematch))


def refresh(platform: Platform) -> str:
    """Take a new background; what was done, in words."""
    return _on_tables(platform, taking.refresh)


def _on_tables(platform: Platform, work: Callable[[Sessions], Awaitable[T]]) -> T:
    if platform.process("postgres") is None:
        raise Problem("PostgreSQL does not run here, so there are no answers to read.", "Run: i2pcc up")
    role = platform.manifest.services["matching"].role
    return interrupts.run(matching.on_tables(Database(url=platform.database_url(role)), work))
