"""Dead letters as an operator sees them, and which of them are meant."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from deploy.problems import Problem
from deploy.running import known
from deploy.settings import SERVICES
from shared.db import Db, fetch
from shared.deadletters import PERSONAL
from shared.events import CATALOG

FOUND = """
    select id, topic, partition, "offset", key, value, headers::text, type, cause, tries, next_try, buried_at
    from dead_letter
    where ($1::bigint[] is null or id = any($1))
        and ($2::text is null or position(lower($2) in lower(cause)) > 0)
        and ($3::timestamptz is null or buried_at >= $3)
        and ($4::timestamptz is null or buried_at < $4)
    order by id
"""
ID = re.compile(r"([a-z]+)/([0-9]{1,18})")
AGO = re.compile(r"([0-9]{1,6})([smhd])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True)
class Letter:
    """A record that a service put aside."""

    service: str
    id: int
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    """None also where the topic is personal: then it is on its topic alone."""
    headers: Sequence[tuple[str, str | None]]
    type: str | None
    """The event's, if there is one of that name."""
    cause: str
    tries: int
    next_try: datetime | None
    buried_at: datetime

    @property
    def name(self) -> str:
        """What an operator calls it by: SERVICE/NUMBER."""
        return f"{self.service}/{self.id}"

    @property
    def place(self) -> str:
        """Where its record is."""
        return f"{self.topic}/{self.partition}@{self.offset}"

    @property
    def personal(self) -> bool:
        """Whether its record may hold what is somebody's own."""
        return self.topic in PERSONAL

    @property
    def about(self) -> UUID | None:
        """The aggregate's id, unless the key is something else."""
        try:
            return UUID((self.key or b"").decode())
        except ValueError:
            return None


@dataclass(frozen=True)
class Choice:
    """Which letters are meant: all that is said here must hold of one."""

    ids: dict[str, list[int]] = field(default_factory=dict)
    """By service; empty: whatever its id."""
    service: str | None = None
    type: str | None = None
    error: str | None = None
    """A part of the cause, in capitals or not."""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def services(self) -> Sequence[str]:
        """Where to look."""
        return [name for name in SERVICES if self.service in (None, name) and (not self.ids or name in self.ids)]

    @property
    def narrows(self) -> bool:
        """Whether it means some letters and not simply all."""
        return self != Choice()


def choice(ids: Sequence[str], now: datetime, **narrowing: Any) -> Choice:
    """A choice of what was typed.

    Raises:
        Problem: an id, a service or a moment is none.
    """
    for bound in ("since", "until"):
        narrowing[bound] = narrowing[bound] and moment(narrowing[bound], now)
    if narrowing["service"]:
        known(narrowing["service"])
    chosen: dict[str, list[int]] = {}
    for each in ids:
        parts = ID.fullmatch(each)
        if not parts:
            raise Problem(f"{each} is no dead letter's id.", "They look like notify/7; see: i2pcc dlq list", code=2)
        chosen.setdefault(known(parts[1]), []).append(int(parts[2]))
    return Choice(ids=chosen, **narrowing)


def moment(text: str, now: datetime) -> datetime:
    """A moment as people write it: `2h` ago, or 2026-11-29T08:30, in local time unless it says otherwise.

    Raises:
        Problem: it is none.
    """
    try:
        if ago := AGO.fullmatch(text):
            return now - timedelta(**{UNITS[ago[2]]: int(ago[1])})
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        hint = "Say how long ago (30m, 2h, 3d), or when: 2026-11-29T08:30"
        raise Problem(f"{text} is no moment.", hint, code=2) from None


async def letters(db: Db, service: str, chosen: Choice, *, lock: bool = False) -> list[Letter]:
    """The letters of one service that are meant, by id; with `lock` nobody else can touch them until the end.

    Args:
        db: on the service's tables.
    """
    query = FOUND + (" for update" if lock else "")
    rows = await fetch(db, query, chosen.ids.get(service), chosen.error, chosen.since, chosen.until)
    found = [_letter(service, row) for row in rows]
    return [letter for letter in found if chosen.type in (None, letter.type)]


def _letter(service: str, row: asyncpg.Record) -> Letter:
    headers = [(name, value) for name, value in orjson.loads(row["headers"])]
    said = row["type"] or dict(headers).get("ce_type")
    return Letter(service=service, **{**row, "headers": headers, "type": said if said in CATALOG else None})
