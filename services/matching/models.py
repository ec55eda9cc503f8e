"""Matching's tables: the searchable copies, what is to be matched, the matches and what nearly was one."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import BIGINT, Boolean, Column, Computed, Integer, LargeBinary, MetaData
from sqlalchemy import Text as TextType
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel, func

from services.matching.scoring.packing import DIMENSIONS
from services.matching.scoring.texts import Text
from shared.history import VersionRow
from shared.vocabulary import Language

OWN = {"info": {"own": True}}
"""Columns that matching adds to what the event says; see shared.db.newest_wins."""
DERIVED = {"info": {"own": True, "derived": True}}
"""The same, made from what the event says; see shared.bus.Handlers.project."""


class Base(SQLModel, registry=registry()):
    """Matching's own registry: tables of two services never meet."""

    metadata = MetaData(schema="matching")


def _found_where(holds: str) -> Any:
    """Whether a search finds it, as a column: the planner knows how many rows that is, and an index is over them."""
    condition = Computed(f"coalesce({holds} and embedded_version = version, false)", persisted=True)
    return Field(default=None, sa_column=Column(Boolean, condition, info=OWN["info"]))


class Searchable(SQLModel):
    """What needs and proposals have in common: what they are found by."""

    version: int
    title: str
    body: str | None
    language: str
    challenges: list[int] = Field(sa_type=ARRAY(Integer))
    embedding: Any = Field(default=None, sa_type=HALFVEC(DIMENSIONS), sa_column_kwargs=OWN)
    """Where a search finds it; see scoring.packing.place."""
    prepared: bytes | None = Field(default=None, sa_type=LargeBinary, sa_column_kwargs=OWN)
    """As it is compared; see scoring.packing.packed."""
    embedded_version: int | None = Field(default=None, sa_column_kwargs=DERIVED)
    background: int | None = Field(default=None, sa_column_kwargs=OWN)
    """The version of the background that it was prepared against."""
    traceparent: str | None = Field(default=None, sa_column_kwargs=OWN)
    """The trace of the command that wrote the newest text."""

    @property
    def text(self) -> Text:
        """What it is compared by."""
        return Text(self.title, self.body or "", Language(self.language))

    def embedded(self, background: int) -> bool:
        """Whether it can be compared: its newest text, against this background."""
        return self.embedded_version == self.version and self.background == background


class NeedCopy(Searchable, Base, table=True):
    """A need, as the newest event says."""

    __tablename__ = "need"
    need_id: UUID = Field(primary_key=True)
    region: str
    closed: bool
    open: bool | None = _found_where("not closed")
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
    provinces: list[str] = Field(sa_type=ARRAY(TextType))
    consortium_id: UUID | None
    withdrawn: bool
    open: bool | None = _found_where("not withdrawn")
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
    """A need or a proposal whose matches are to be found anew, a company whose strongholds are to be embedded, a need
    for which a consortium is to be looked for, or a proposal that may complete one."""

    __tablename__ = "to_match"
    id: UUID = Field(primary_key=True)
    kind: str
    version: int = Field(sa_type=BIGINT)
    """Of this asking: no two ever have the same, so that what began with another one does not end it."""
    traceparent: str | None
    leased_until: datetime | None = Field(default=None, sa_type=TIMESTAMP(timezone=True))


class BackgroundText(Base, table=True):
    """A text that scores are measured against since that version, as it was then."""

    __tablename__ = "background"
    version: int = Field(primary_key=True)
    side: str = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    title: str
    body: str
    language: str


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
    provinces: list[str] = Field(sa_type=ARRAY(TextType))
    members: list[UUID] = Field(sa_type=ARRAY(UuidType))
    challenges: list[int] = Field(sa_type=ARRAY(Integer))
    score: float
    reasons: list[str] = Field(sa_type=ARRAY(TextType))
    presented: bool
    model: str
    signals: dict[str, float] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    """What was seen of the pair when it was scored; None before that was kept."""
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


class TrainingRow(Base, table=True):
    """An answer, and what had been seen of the pair: what the combiner learns from."""

    __tablename__ = "training_row"
    match_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    """The match's, that the answer made."""
    need_id: UUID
    step: str
    objection: str | None
    outcome: str | None
    good: bool | None
    """None: the answer does not say whether the two fit."""
    signals: dict[str, float] | None = Field(sa_type=JSONB(none_as_null=True))
    model: str
    at: datetime = Field(sa_type=TIMESTAMP(timezone=True), sa_column_kwargs={"server_default": func.now()})


class LearnedCombiner(Base, table=True):
    """A combiner that answers have taught; scores are made with the active one."""

    __tablename__ = "combiner"
    version: int = Field(primary_key=True)
    bias: float
    weights: dict[str, float] = Field(sa_type=JSONB)
    figures: dict[str, Any] = Field(sa_type=JSONB)
    """By which it was chosen; see training.Report."""
    made_at: datetime = Field(sa_type=TIMESTAMP(timezone=True), sa_column_kwargs={"server_default": func.now()})
    active: bool


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
    """One of a company's strongholds, ready to be compared."""

    company_id: UUID = Field(primary_key=True)
    place: int = Field(primary_key=True)
    """Among the company's, from 0."""
    title: str
    embedding: Any = Field(sa_type=HALFVEC(DIMENSIONS))
    prepared: bytes = Field(sa_type=LargeBinary)
    background: int


class ConsortiumCopy(Base, table=True):
    """A consortium, as the newest event says."""

    __tablename__ = "consortium"
    consortium_id: UUID = Field(primary_key=True)
    version: int
    lead_id: UUID
    parts: list[dict[str, Any]] = Field(sa_type=JSONB)
    wanted: list[dict[str, Any]] = Field(sa_type=JSONB)
    closed: bool


class Embedding(Base, table=True):
    """The vector of a text that was embedded once. It can be made again at any time."""

    model: str = Field(primary_key=True)
    """Its name and version."""
    hash: bytes = Field(primary_key=True)
    """SHA-256 of the text."""
    vector: bytes
    """32 bit floats, little-endian."""


class Suggestion(Base, table=True):
    """Companies that could cover a need's parts together: the same ones are suggested for it once."""

    __tablename__ = "suggestion"
    suggestion_id: UUID = Field(primary_key=True)
    """UUIDv5 of the need and the set of companies."""
    need_id: UUID
    version: int
    """Counts the need's suggestions."""
    need_version: int
    region: str
    lead_id: UUID
    members: list[UUID] = Field(sa_type=ARRAY(UuidType))
    provinces: list[str] = Field(sa_type=ARRAY(TextType))
    coverage: list[dict[str, Any]] = Field(sa_type=JSONB)
    gaps: list[int] = Field(sa_type=ARRAY(Integer))
    score: float
    model: str
