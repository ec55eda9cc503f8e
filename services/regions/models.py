"""Regions' tables."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Integer, MetaData, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from shared.contacts import ContactRow
from shared.drafts import DraftRow
from shared.history import VersionRow

NULLABLE = JSONB(none_as_null=True)
"""A part of a row that may be missing; plain JSONB would hold JSON's null."""


class Base(SQLModel, registry=registry()):
    """Regions' own registry: tables of two services never meet."""

    metadata = MetaData(schema="regions")


class Contact(ContactRow, Base, table=True):
    """A person to reach in a region or at a coordinator's organisation: it is one of the two."""

    region: str | None = None
    coordinates: str | None = None


class Need(Base, table=True):
    """What a region looks for."""

    need_id: UUID = Field(default_factory=uuid4, primary_key=True)
    version: int = 1
    region: str
    title: str
    body: str
    language: str
    challenges: list[int] = Field(sa_type=ARRAY(Integer))
    deadline: date | None = None
    contact_id: UUID
    closed: bool = False
    closing: str | None = None
    organisation: str | None = None
    parts: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))
    site: str | None = None
    industry: str | None = None
    capacity: dict[str, Any] | None = Field(default=None, sa_type=NULLABLE)
    budget: dict[str, Any] | None = Field(default=None, sa_type=NULLABLE)
    minimum_trl: int | None = None
    evidence: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))
    partnerships: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))
    original: dict[str, Any] | None = Field(default=None, sa_type=NULLABLE)
    origin: dict[str, Any] | None = Field(default=None, sa_type=NULLABLE)


class NeedVersion(VersionRow, Base, table=True):
    """A version of a need."""

    __tablename__ = "need_version"


class NeedDraftRow(DraftRow, Base, table=True):
    """A need that is not posted yet."""

    __tablename__ = "need_draft"
    region: str
    origin: dict[str, Any] | None = Field(default=None, sa_type=NULLABLE)
    """The question on a mission that it was made from."""


class Mission(Base, table=True):
    """A journey to regions or from them."""

    mission_id: UUID = Field(default_factory=uuid4, primary_key=True)
    version: int = 1
    direction: str
    title: str
    regions: list[str] = Field(sa_type=ARRAY(Text))
    provinces: list[str] = Field(sa_type=ARRAY(Text))
    starts: date
    ends: date
    programme: list[Any] = Field(sa_type=JSONB)
    leads: list[Any] = Field(default_factory=list, sa_type=JSONB)


class MatchCopy(Base, table=True):
    """A match that a visit may be about, as the newest event says."""

    __tablename__ = "match"
    match_id: UUID = Field(primary_key=True)
    version: int
    state: str
    region: str
    provinces: list[str] = Field(sa_type=ARRAY(Text))
    need_id: UUID


class Ties(Base, table=True):
    """The provinces that a region has long-standing ties with."""

    region: str = Field(primary_key=True)
    version: int = 0
    provinces: list[str] = Field(sa_type=ARRAY(Text))
