"""Notify's tables: copies of what mail is made of, and the deliveries."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, MetaData, Text
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel, func


class Base(SQLModel, registry=registry()):
    """Notify's own registry: tables of two services never meet."""

    metadata = MetaData(schema="notify")


class Contact(Base, table=True):
    """A person to reach. Of an erased one only the id is left, so that nothing brings the rest back."""

    contact_id: UUID = Field(primary_key=True)
    version: int
    subject: str | None = None
    """Who has shared it."""
    organisation: str | None
    name: str | None
    mail: str | None
    phone: str | None
    language: str | None
    erased: bool = Field(default=False, sa_column_kwargs={"info": {"own": True}})


class NeedCopy(Base, table=True):
    """A need, as the newest event says."""

    __tablename__ = "need"
    need_id: UUID = Field(primary_key=True)
    version: int
    title: str
    contact_id: UUID


class ProposalCopy(Base, table=True):
    """A proposal, as the newest event says."""

    __tablename__ = "proposal"
    proposal_id: UUID = Field(primary_key=True)
    version: int
    title: str
    contact_id: UUID


class MatchCopy(Base, table=True):
    """A match, as the newest event says."""

    __tablename__ = "match"
    match_id: UUID = Field(primary_key=True)
    version: int
    state: str
    need_id: UUID
    proposal_id: UUID
    region: str
    provinces: list[str] = Field(sa_type=ARRAY(Text))
    challenges: list[int] = Field(sa_type=ARRAY(Integer))
    score: float
    reasons: list[str] = Field(sa_type=ARRAY(Text))


class Delivery(Base, table=True):
    """A mail to one party of a match. It holds no text and no address: it is rendered when it is sent."""

    delivery_id: UUID = Field(primary_key=True)
    match_id: UUID
    template: str
    party: str
    state: str
    tries: int = 0
    next_try: datetime | None = Field(
        default=None, sa_type=TIMESTAMP(timezone=True), sa_column_kwargs={"server_default": func.now()}
    )
    error: str | None = None
    traceparent: str | None = None


def now_plus(seconds: float) -> Any:
    """A moment from now, by the database's clock."""
    return func.now() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)
