"""Matching's tables: the searchable copies, what is to be matched, the matches and what nearly was one."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pgvector.sqlalchemy import Vector
from sqlalchemy import Integer, MetaData, Text
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from shared.history import VersionRow

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
    body: str | None
    organisation: str | None
    deadline: date | None
    parts: list[str] = Field(sa_type=JSONB)
    site: str | None
    industry: str | None
    capacity: dict[str, Any] | None = Field(sa_type=JSONB)
    budget: dict[str, Any] | None = Field(sa_type=JSONB)
    minimum_trl: int | None
    evidence: list[str] = Field(sa_type=JSONB)
    partnerships: list[str] = Field(sa_type=JSONB)
    original: dict[str, Any] | None = Field(sa_type=JSONB)

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
    body: str | None
    kind: str
    teaser: str
    summary: str | None
    maturity: dict[str, Any] | None = Field(sa_type=JSONB)
    intellectual_property: str | None
    partnerships: list[str] = Field(sa_type=JSONB)
    scale: str | None
    price: dict[str, Any] | None = Field(sa_type=JSONB)
    working_languages: list[str] = Field(sa_type=JSONB)
    regions: list[str] = Field(sa_type=JSONB)

    @property
    def gone(self) -> bool:
        """Whether it is matched no more."""
        return self.withdrawn


Side = NeedCopy | ProposalCopy


class ToMatch(Base, table=True):
    """A need or a proposal whose matches are to be found anew, or a company whose strongholds are to be embedded."""

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
    by: str | None = None
    answer_by: date | None = None
    reminders: int = 0
    objection: str | None = None
    outcome: str | None = None
    kind: str
    """The proposal's: an expression of interest is marked wherever it is shown."""
    interested_at: datetime | None = Field(default=None, sa_type=TIMESTAMP(timezone=True))
    """When the region asked for the details."""
    due_step: str | None = None
    """What the platform does next by itself."""
    due_at: datetime | None = Field(default=None, sa_type=TIMESTAMP(timezone=True))
    reason: str | None = None
    """Why it was declined."""
    traceparent: str | None = None
    """The proposal's trace: the one of an answer links to it."""


class MatchVersion(VersionRow, Base, table=True):
    """What has become of a match, step by step."""

    __tablename__ = "match_version"


class Presentation(Base, table=True):
    """From which score an organisation's matches are presented without being asked for."""

    organisation: str = Field(primary_key=True)
    version: int = 1
    threshold: float | None
    """None: never."""


class Miss(Base, table=True):
    """A proposal's version that answered no need, and the needs that came nearest."""

    proposal_id: UUID = Field(primary_key=True)
    version: int
    nearest: list[dict[str, Any]] = Field(sa_type=JSONB)


class CompanyCopy(Base, table=True):
    """A company, as the newest event says."""

    __tablename__ = "company"
    company_id: UUID = Field(primary_key=True)
    version: int
    name: str
    province: str
    strongholds: list[dict[str, Any]] = Field(sa_type=JSONB)
    suggestible: bool


class Stronghold(Base, table=True):
    """One of a company's strongholds, and its vector."""

    company_id: UUID = Field(primary_key=True)
    place: int = Field(primary_key=True)
    """Among the company's, from 0."""
    title: str
    embedding: Any = Field(sa_type=Vector(DIMENSIONS))


class ConsortiumCopy(Base, table=True):
    """A consortium, as the newest event says."""

    __tablename__ = "consortium"
    consortium_id: UUID = Field(primary_key=True)
    version: int
    lead_id: UUID
    parts: list[dict[str, Any]] = Field(sa_type=JSONB)
    wanted: list[dict[str, Any]] = Field(sa_type=JSONB)
    closed: bool
