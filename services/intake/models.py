"""Intake's tables."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Integer, MetaData, Text
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from shared.contacts import ContactRow
from shared.drafts import DraftRow
from shared.history import VersionRow


class Base(SQLModel, registry=registry()):
    """Intake's own registry: tables of two services never meet."""

    metadata = MetaData(schema="intake")


class Company(Base, table=True):
    """A Flemish company of the network."""

    company_id: UUID = Field(primary_key=True)
    version: int = 1
    enterprise_number: str
    name: str
    province: str
    languages: list[str] = Field(sa_type=ARRAY(Text))
    strongholds: list[dict[str, Any]] = Field(sa_type=JSONB)
    business_cases: list[dict[str, Any]] = Field(sa_type=JSONB)
    suggestible: bool


class Contact(ContactRow, Base, table=True):
    """A person to reach at a company."""

    company_id: UUID


class Consortium(Base, table=True):
    """A lead, the parts that others were asked to bring, and those that still look for somebody."""

    consortium_id: UUID = Field(default_factory=uuid4, primary_key=True)
    version: int = 1
    title: str
    lead_id: UUID
    parts: list[dict[str, Any]] = Field(sa_type=JSONB)
    wanted: list[dict[str, Any]] = Field(sa_type=JSONB)
    contact_id: UUID | None = None
    closed: bool = False


class Invitation(Base, table=True):
    """Somebody was asked by mail to bring a wanted part. The address and the token are told to notify, not kept."""

    invitation_id: UUID = Field(default_factory=uuid4, primary_key=True)
    consortium_id: UUID
    part_id: UUID
    token_hash: bytes
    expires_at: datetime = Field(sa_type=TIMESTAMP(timezone=True))
    state: str
    company_id: UUID | None = None
    """Who has answered."""


class Proposal(Base, table=True):
    """What a company, or a consortium by its lead, proposes."""

    proposal_id: UUID = Field(default_factory=uuid4, primary_key=True)
    version: int = 1
    title: str
    body: str
    language: str
    challenges: list[int] = Field(sa_type=ARRAY(Integer))
    lead_id: UUID
    members: list[UUID] = Field(sa_type=ARRAY(UuidType))
    provinces: list[str] = Field(sa_type=ARRAY(Text))
    consortium_id: UUID | None = None
    contact_id: UUID
    withdrawn: bool = False
    kind: str
    teaser: str
    summary: str | None = None
    maturity: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    intellectual_property: str | None = None
    partnerships: list[str] = Field(sa_type=ARRAY(Text))
    scale: str | None = None
    price: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    working_languages: list[str] = Field(sa_type=ARRAY(Text))
    regions: list[str] = Field(sa_type=ARRAY(Text))


class ProposalVersion(VersionRow, Base, table=True):
    """A proposal as it was."""

    __tablename__ = "proposal_version"


class ProposalDraft(DraftRow, Base, table=True):
    """A proposal that its company has not put forward yet."""

    __tablename__ = "proposal_draft"

    company_id: UUID
