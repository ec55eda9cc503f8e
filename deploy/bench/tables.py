"""The tables that both sides of the consume bench write to, and what a reaction says."""

from datetime import date
from uuid import UUID

from sqlalchemy import Integer, LargeBinary, MetaData
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from shared.events import NeedClosed, NeedPosted

SCRIPT = """
create table need (
    need_id uuid primary key, version int not null, region text not null, title text not null, body text not null,
    language text not null, challenges int[] not null, deadline date, closed boolean not null
);
create table seen (need_id uuid primary key, title text not null);
"""


class Base(SQLModel, registry=registry()):
    """The bench's own registry."""

    metadata = MetaData()


class NeedRow(Base, table=True):
    """A need, as the newest event says."""

    __tablename__ = "need"
    need_id: UUID = Field(primary_key=True)
    version: int
    region: str
    title: str
    body: str
    language: str
    challenges: list[int] = Field(sa_type=ARRAY(Integer))
    deadline: date | None
    closed: bool


class Seen(Base, table=True):
    """What a reaction leaves behind."""

    need_id: UUID = Field(primary_key=True)
    title: str


class Inbox(Base, table=True):
    """Message ids that were handled."""

    event_id: UUID = Field(primary_key=True)


class OutboxRow(Base, table=True):
    """What is to be published."""

    __tablename__ = "outbox"
    id: int | None = Field(default=None, primary_key=True)
    event_id: UUID
    type: str
    topic: str
    key: str
    value: bytes = Field(sa_type=LargeBinary)


def thanks(event: NeedPosted) -> NeedClosed:
    """What a reaction says: any event will do."""
    return NeedClosed(**event.model_dump() | {"version": event.version + 1, "closed": True})
