"""Intake's tables."""

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Integer, MetaData, Text
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from shared.contacts import ContactRow


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


class Contact(ContactRow, Base, table=True):
    """A person to reach at a company."""

    company_id: UUID


class Consortium(Base, table=True):
    """A lead, and the parts that others were asked to bring."""

    consortium_id: UUID = Field(default_factory=uuid4, primary_key=True)
    version: int = 1
    title: str
    lead_id: UUID
    parts: list[dict[str, Any]] = Field(sa_type=JSONB)
    closed: bool = False


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
