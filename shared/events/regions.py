"""What regions says: needs and missions."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from shared.events.base import Event, Value
from shared.vocabulary import (
    Challenge,
    Currency,
    Language,
    Partnership,
    Province,
    Region,
)


class Capacity(Value):
    """How much is to be treated, made or moved."""

    amount: float
    unit: str
    """As an engineer writes it: m³/d, t/h, MW."""


class Budget(Value):
    """What may be spent."""

    most: int
    """Whole units of the currency."""
    currency: Currency


class Original(Value):
    """The text in the language it was first written in, when title and body are a translation."""

    title: str
    body: str
    language: Language


class Origin(Value):
    """The question asked on a mission that a need comes from."""

    mission_id: UUID
    lead_id: UUID


class Closing(StrEnum):
    """Why a need takes no more proposals."""

    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    POSTPONED = "postponed"
    DEADLINE = "deadline"
    """The deadline passed; nobody had to do anything."""


class NeedFacts(Event, topic="i2pcc.needs.v1", key="need_id", abstract=True):
    """A need as it stands."""

    need_id: UUID
    region: Region
    """Never changes."""
    title: str
    """At most 200 characters."""
    body: str
    """At most 8,000 characters."""
    language: Language
    """What title and body are written in."""
    challenges: tuple[Challenge, ...]
    """Each once, in ascending order."""
    deadline: date | None = None
    """The last day on which the need is open; it closes by itself on the next one."""
    contact_id: UUID
    """Whom to introduce: a person told as ContactShared."""
    closed: bool = False
    """Final: the need takes no more proposals."""
    closing: Closing | None = None
    """Why it was closed."""
    organisation: str | None = None
    """Who has the need; shown to nobody outside the region before a positive answer."""
    parts: tuple[str, ...] = ()
    """What it consists of, if it can be met piece by piece."""
    site: str | None = None
    """The place, at most 500 characters."""
    industry: str | None = None
    """At most 500 characters."""
    capacity: Capacity | None = None
    budget: Budget | None = None
    minimum_trl: int | None = None
    """Technology readiness level, 1 to 9."""
    evidence: tuple[str, ...] = ()
    """What a proposal is asked to show: a reference plant, a certificate, measured values."""
    partnerships: tuple[Partnership, ...] = ()
    """What kinds the region is open to; all of them if none is named."""
    original: Original | None = None
    origin: Origin | None = None


class NeedPosted(NeedFacts):
    """A region opened a need for proposals."""


class NeedRevised(NeedFacts):
    """A region changed an open need. Its region never changes."""


class NeedClosed(NeedFacts):
    """A need takes no more proposals."""


NeedEvent = NeedPosted | NeedRevised | NeedClosed


class Direction(StrEnum):
    """Whether Flemish people travel, or Chinese ones."""

    OUTGOING = "outgoing"
    INCOMING = "incoming"


class StopKind(StrEnum):
    """What a mission does at a stop."""

    SEMINAR = "seminar"
    VISIT = "visit"


class Stop(Value):
    """One item of a mission's programme."""

    stop_id: UUID
    kind: StopKind
    on: date
    place: str
    title: str
    match_id: UUID | None = None
    """The match that a visit is about."""


class Lead(Value):
    """A question asked on a mission, from which a need may come."""

    lead_id: UUID
    stop_id: UUID | None = None
    """Where in the programme it was asked."""
    region: Region
    question: str
    language: Language
    challenges: tuple[Challenge, ...]
    need_id: UUID | None = None
    """The need that came from it, once it has been posted."""


class MissionFacts(Event, topic="i2pcc.missions.v1", key="mission_id", abstract=True):
    """A mission as it stands."""

    mission_id: UUID
    direction: Direction
    title: str
    """At most 200 characters."""
    regions: tuple[Region, ...]
    """Those that are visited, or that visit."""
    provinces: tuple[Province, ...]
    """Those that travel, or that are visited."""
    starts: date
    ends: date
    """Its last day."""
    programme: tuple[Stop, ...] = ()
    """In the order of their days."""
    leads: tuple[Lead, ...] = ()


class MissionPlanned(MissionFacts):
    """A coordinator planned a mission."""


class MissionRevised(MissionFacts):
    """A mission's dates or programme changed, or a visit was linked to a match."""


class LeadRecorded(MissionFacts):
    """A question was asked on a mission, or a need came from one."""
