"""Matching's tables: the searchable copy of needs and proposals, what is to be matched, and the matches."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pgvector.sqlalchemy import Vector
from sqlalchemy import Integer, MetaData, Text
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

DIMENSIONS = 384
OWN = {"info": {"own": True}}
"""Columns that matching adds to what the event says; see shared.db.newest_wins."""


class Base(SQLModel, registry=registry()):
    """Matching's own registry: tables of two services never meet."""

    metadata = MetaData(schema="matching")


class Searchable(SQLModel):
    """What needs and proposals have in common: what they are found by."""

    version: int
    title: str
    language: str
    challenges: list[int] = Field(sa_type=ARRAY(Integer))
    embedding: Any = Field(default=None, sa_type=Vector(DIMENSIONS), sa_column_kwargs=OWN)
    embedded_version: int | None = Field(default=None, sa_column_kwargs=OWN)
    traceparent: str | None = Field(default=None, sa_column_kwargs=OWN)
    """The trace of the command that wrote the newest text."""

    @property
    def embedded(self) -> bool:
        """Whether the vector is of the newest text."""
        return self.embedded_version == self.version


class NeedCopy(Searchable, Base, table=True):
    """A need, as the newest event says."""

    __tablename__ = "need"
    need_id: UUID = Field(primary_key=True)
    region: str
    closed: bool

    @property
    def gone(self) -> bool:
        """Whether it is matched no more."""
        return self.closed


class ProposalCopy(Searchable, Base, table=True):
    """A proposal, as the newest event says."""

    __tablename__ = "proposal"
    proposal_id: UUID = Field(primary_key=True)
    lead_id: UUID
    members: list[UUID] = Field(sa_type=ARRAY(UuidType))
    provinces: list[str] = Field(sa_type=ARRAY(Text))
    withdrawn: bool

    @property
    def gone(self) -> bool:
        """Whether it is matched no more."""
        return self.withdrawn


Side = NeedCopy | ProposalCopy


class ToMatch(Base, table=True):
    """A need or a proposal whose matches are to be found anew."""

    __tablename__ = "to_match"
    id: UUID = Field(primary_key=True)
    kind: str
    version: int
    traceparent: str | None
    leased_until: datetime | None = Field(default=None, sa_type=TIMESTAMP(timezone=True))


class Match(Base, table=True):
    """A proposal that answers a need, and how far the two have come."""

    match_id: UUID = Field(primary_key=True)
    version: int
    state: str
    need_id: UUID
    need_version: int
    proposal_id: UUID
    proposal_version: int
    region: str
    provinces: list[str] = Field(sa_type=ARRAY(Text))
    members: list[UUID] = Field(sa_type=ARRAY(UuidType))
    challenges: list[int] = Field(sa_type=ARRAY(Integer))
    score: float
    reasons: list[str] = Field(sa_type=ARRAY(Text))
    presented: bool
    model: str
    reason: str | None = None
    """Why it was declined."""
    traceparent: str | None = None
    """The proposal's trace: the one of an answer links to it."""
