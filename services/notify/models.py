"""Notify's tables: copies of what mail is made of, and the deliveries."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, MetaData, Text
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel, func

OWN = {"info": {"own": True}}
"""What no event says."""
LASTING = {"info": {"own": True, "lasting": True}}
"""What stays when no event says it any more."""


class Base(SQLModel, registry=registry()):
    """Notify's own registry: tables of two services never meet."""

    metadata = MetaData(schema="notify")


class Contact(Base, table=True):
    """A person to reach. Of an erased one only the id is left, so that nothing brings the rest back."""

    contact_id: UUID = Field(primary_key=True)
    version: int
    subject: str | None = None
    """Who has shared it."""
    company_id: UUID | None = None
    region: str | None = None
    coordinates: str | None = None
    organisation: str | None
    name: str | None
    mail: str | None
    phone: str | None
    language: str | None
    digest: str | None = None
    refused: str | None = Field(default=None, sa_column_kwargs=OWN)
    """The address that a mail server refused for good; another one is tried again."""
    unsubscribed: bool = Field(default=False, sa_column_kwargs=OWN)
    token: UUID | None = Field(default=None, sa_column_kwargs=OWN | {"server_default": func.gen_random_uuid()})
    """Whoever has it may unsubscribe this person: only its mails hold it."""
    erased: bool = Field(default=False, sa_column_kwargs=LASTING)

    @property
    def bounces(self) -> bool:
        """Whether its address is known to be refused."""
        return self.mail is not None and self.mail == self.refused


class CompanyCopy(Base, table=True):
    """A company, as the newest event says."""

    __tablename__ = "company"
    company_id: UUID = Field(primary_key=True)
    version: int
    name: str
    suggestible: bool


class NeedCopy(Base, table=True):
    """A need, as the newest event says."""

    __tablename__ = "need"
    need_id: UUID = Field(primary_key=True)
    version: int
    title: str
    contact_id: UUID
    organisation: str | None = None
    parts: list[str] = Field(default=[], sa_type=JSONB)
    closed: bool = False


class ProposalCopy(Base, table=True):
    """A proposal, as the newest event says."""

    __tablename__ = "proposal"
    proposal_id: UUID = Field(primary_key=True)
    version: int
    title: str
    contact_id: UUID
    withdrawn: bool = False


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
    objection: str | None = None
    answer_by: date | None = None


class Refusal(Base, table=True):
    """A region's negative answer to a match, in its own words."""

    match_id: UUID = Field(primary_key=True)
    version: int
    reason: str


class MeetingCopy(Base, table=True):
    """When and where the parties of a match meet, as told last."""

    __tablename__ = "meeting"
    match_id: UUID = Field(primary_key=True)
    version: int
    meeting: dict[str, Any] = Field(sa_type=JSONB)


class Miss(Base, table=True):
    """A proposal without a match, and the needs that came closest."""

    proposal_id: UUID = Field(primary_key=True)
    version: int
    nearest: list[dict[str, Any]] = Field(sa_type=JSONB)


class SuggestionCopy(Base, table=True):
    """The companies that were suggested last for a need."""

    __tablename__ = "suggestion"
    need_id: UUID = Field(primary_key=True)
    version: int
    need_version: int
    region: str
    lead_id: UUID
    members: list[UUID] = Field(sa_type=ARRAY(UuidType))
    provinces: list[str] = Field(sa_type=ARRAY(Text))
    coverage: list[dict[str, Any]] = Field(sa_type=JSONB)
    gaps: list[int] = Field(sa_type=ARRAY(Integer))


class ConsortiumCopy(Base, table=True):
    """A consortium, as the newest event says."""

    __tablename__ = "consortium"
    consortium_id: UUID = Field(primary_key=True)
    version: int
    title: str
    parts: list[dict[str, Any]] = Field(sa_type=JSONB)
    wanted: list[dict[str, Any]] = Field(sa_type=JSONB)
    contact_id: UUID | None
    closed: bool


class Invitation(Base, table=True):
    """What an invitation says. Its address and token are forgotten once they have served."""

    invitation_id: UUID = Field(primary_key=True)
    consortium_id: UUID
    consortium: str
    part: str
    lead: str
    mail: str | None
    token: str | None
    language: str
    expires_at: datetime = Field(sa_type=TIMESTAMP(timezone=True))


class Delivery(Base, table=True):
    """A mail to one person. It holds no text and no address: it is rendered when it is sent."""

    delivery_id: UUID = Field(primary_key=True)
    template: str
    party: str
    match_id: UUID | None = None
    need_id: UUID | None = None
    proposal_id: UUID | None = None
    consortium_id: UUID | None = None
    part_id: UUID | None = None
    invitation_id: UUID | None = None
    contact_id: UUID | None = None
    """Who gets it, where it is neither the need's nor the proposal's contact."""
    state: str
    held: bool = False
    """Whether `next_try` is the moment of a digest that it is a part of."""
    tries: int = 0
    next_try: datetime | None = Field(
        default=None, sa_type=TIMESTAMP(timezone=True), sa_column_kwargs={"server_default": func.now()}
    )
    error: str | None = None
    traceparent: str | None = None
