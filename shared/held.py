"""What a service holds about the person who asks: what it did, what it was answered, and what the service adds."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import Query, Request
from pydantic import BaseModel

from shared.auth import CurrentCaller
from shared.db import Db, fetch
from shared.http import Session, queries

Rows = dict[str, list[dict[str, Any]]]
"""What a service keeps for its work, by kind."""
Held = Callable[[Db, str], Awaitable[Rows]]
"""Finds a subject's."""

LIMIT = 1_000
"""Most rows of what grows with every command; all else grows with what the person shares."""
ACTS = "select id, at, action, objects::text from audit where subject = $1 and id > $2 order by id limit $3"
ANSWERS = "select created_at as at, route from idempotency where caller = $1 order by created_at desc limit $2"

read = queries()


class Object(BaseModel):
    """What something was done to."""

    type: str
    key: str


class Act(BaseModel):
    """A row of the audit log. It outlives the person's data and names ids alone."""

    at: datetime
    action: str
    objects: list[Object]


class Answer(BaseModel):
    """A command whose answer is kept for a day, for whoever repeats it."""

    at: datetime
    route: str


class PersonData(BaseModel):
    """What this service holds about the caller."""

    subject: str
    rows: Rows
    answers: list[Answer]
    """The newest ones first, and not all of very many."""
    audit: list[Act]
    after: int | None
    """Where the audit log goes on: ask again with it. None: this was all."""


@read.get("/me/data")
async def my_data(
    caller: CurrentCaller, db: Session, request: Request, after: Annotated[int, Query(ge=0, lt=2**63)] = 0
) -> PersonData:
    """What is held about the caller; of a long audit log the first part, and where it goes on."""
    found: Held | None = request.app.state.held
    rows = await found(db, caller.subject) if found else {}
    answers = [Answer(**row) for row in await fetch(db, ANSWERS, caller.subject, LIMIT)]
    audit, end = await acts(db, caller.subject, after)
    return PersonData(subject=caller.subject, rows=rows, answers=answers, audit=audit, after=end)


async def acts(db: Db, subject: str, after: int, limit: int = LIMIT) -> tuple[list[Act], int | None]:
    """A part of what a subject did, and where it goes on, if it does."""
    rows = await fetch(db, ACTS, subject, after, limit)
    told = [Act(at=row["at"], action=row["action"], objects=orjson.loads(row["objects"])) for row in rows]
    return told, rows[-1]["id"] if len(rows) == limit else None
