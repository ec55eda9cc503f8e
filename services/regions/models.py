"""Regions' tables."""

from datetime import date
from uuid import UUID, uuid4

from sqlalchemy import Integer, MetaData
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from shared.contacts import ContactRow


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
