"""An aggregate's history: each version as its event said it, when, and which side brought it about.

Each service that keeps one has a table of its own; its rows are written by the statement that writes the event.
"""

from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import orjson
from fastapi import Query
from pydantic import BaseModel
from sqlalchemy import ColumnElement, Table
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlmodel import Field, SQLModel, col, func, select

from shared.db import Db, write_row_last
from shared.events import Event

E = TypeVar("E", bound=Event)

INSERT = (
    "insert into {table} (id, version, type, by, facts) "
    "select * from unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::jsonb[])"
)
MOST = 100
"""Versions of one answer: an aggregate may have any number."""
After = Annotated[int, Query(ge=0, lt=2**31, description=f"The last version that you have; an answer has {MOST}.")]


class Version(BaseModel):
    """One version of an aggregate."""

    version: int
    type: str
    """The event's."""
    at: datetime
    by: str
    """`platform`, or a role and for whom; never a person."""
    facts: dict[str, Any]
    """What the event said."""


class VersionRow(SQLModel):
    """The columns of a service's table of versions."""

    id: UUID = Field(primary_key=True)
    """The aggregate's."""
    version: int = Field(primary_key=True)
    type: str
    at: datetime = Field(sa_type=TIMESTAMP(timezone=True), sa_column_kwargs={"server_default": func.now()})
    by: str
    facts: dict[str, Any] = Field(sa_type=JSONB)


def keep(db: Db, table: type[VersionRow], event: E, by: str, **untold: Any) -> E:
    """Keep an event as one version of its aggregate, when the transaction ends.

    Args:
        db: the session that emits the event.
        table: where this aggregate's versions are.
        event: what has become of it.
        by: a caller's side, or `platform`.
        untold: facts that are kept beside the event's own, as JSON holds them; nobody hears of them.
    """
    mapped: Table = table.__table__  # type: ignore[attr-defined]
    facts = orjson.dumps(event.model_dump(mode="json") | untold).decode()
    values = (getattr(event, event.key), event.version, type(event).__name__, by, facts)
    write_row_last(db.sync_session, INSERT.format(table=mapped.fullname), *values)
    return event


async def history(
    db: Db, table: type[VersionRow], aggregate: UUID, after: int = 0, *only: ColumnElement[bool]
) -> list[Version]:
    """The versions of an aggregate that come after one, the oldest first; those alone for which `only` holds."""
    query = select(table).where(table.id == aggregate, col(table.version) > after, *only)
    rows = await db.scalars(query.order_by(col(table.version)).limit(MOST))
    return [Version.model_validate(row.model_dump()) for row in rows]
