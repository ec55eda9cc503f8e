"""What matching says: every match and its life, at teaser level (no company, no person, no quoted text), misses, and
which companies could cover a need together."""

from datetime import date, datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

from shared.events.base import Event, Value
from shared.vocabulary import Challenge, Objection, Province, Region


class MatchState(StrEnum):
    """Where a match stands."""

    FOUND = "found"
    SHORTLISTED = "shortlisted"
    VETOED = "vetoed"
    PRESENTED = "presented"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    INTRODUCED = "introduced"
    REPORTED = "reported"
    """Both parties know each other, and what came of it has been told."""
    RETRACTED = "retracted"


class Outcome(StrEnum):
    """What came of an introduction."""

    MEETING = "meeting"
    PILOT = "pilot"
    CONTRACT = "contract"
    NOTHING = "nothing"


class Meeting(Value):
    """When and where the two parties meet."""

    starts: datetime
    minutes: int
    place: str | None = None
    """A town or a link."""


class MatchFacts(Event, topic="i2pcc.matches.v1", key="match_id", copies="i2pcc.matches.{region}.v1", abstract=True):
    """A match as it stands."""

    match_id: UUID
    """UUIDv5 of the two ids: a need and a proposal never have a second match."""
    state: MatchState
    need_id: UUID
    need_version: int
    """The version that was compared."""
    proposal_id: UUID
    proposal_version: int
    """The version that was compared."""
    region: Region
    """The need's."""
    provinces: tuple[Province, ...]
    """One for each of the proposal's members, the lead's first."""
    challenges: tuple[Challenge, ...]
    """Those that both come under, in ascending order."""
    score: float
    """The probability that this is a good match, 0 to 1; comparable within one `model` only."""
    reasons: tuple[str, ...]
    """Short sentences, in English, that quote neither text."""
    presented: bool = False
    """Whether the region has been shown this match."""
    model: str
    """Names what scored it."""
    by: str | None = None
    """Who took the newest step: `platform`, or a role and for whom (`coordinator of limburg`); never a person."""
    answer_by: date | None = None
    """The last day for the region's answer, once presented."""
    reminders: int = 0
    """How often the region was reminded."""
    objection: Objection | None = None
    """Why it was vetoed, declined, or led to nothing."""
    outcome: Outcome | None = None
    """What came of the introduction, as told last."""

    @property
    def copied(self) -> bool:
        """A region's partners hear of a match once it has been presented."""
        return self.presented


class MatchFound(MatchFacts):
    """A proposal answers a need."""


class MatchRevised(MatchFacts):
    """One of the two texts changed and they still match."""


class MatchRetracted(MatchFacts):
    """The two no longer match, or one of them is gone."""


class MatchPresented(MatchFacts):
    """The region may answer it now."""


class MatchShortlisted(MatchFacts):
    """A coordinator wants the region to see it; MatchPresented follows at once."""


class MatchVetoed(MatchFacts):
    """A coordinator does not want the region to see it, or to answer it."""


class MatchReminded(MatchFacts):
    """The region has not answered yet."""

    escalated: bool
    """Whether it is now for the coordinators to ask."""


class MatchAccepted(MatchFacts):
    """The region gave a positive answer."""


class MatchDeclined(MatchFacts):
    """The region gave a negative answer."""

    reason: str
    """In the region's own words, at most 500 characters; in the region's topic only what the objection is."""

    def as_copied(self) -> Self:
        """Without the words, which may name anybody."""
        return self.model_copy(update={"reason": (self.objection or Objection.OTHER).words})


class MatchExpired(MatchFacts):
    """The region stayed silent."""


class MatchIntroduced(MatchFacts):
    """Both parties have been put in touch."""


class OutcomeReported(MatchFacts):
    """Somebody told what came of the introduction."""

    meeting: Meeting | None = None
    """Set when a meeting was arranged."""

    def as_copied(self) -> Self:
        """Without the place, which may name anybody."""
        if self.meeting is None:
            return self
        return self.model_copy(update={"meeting": self.meeting.model_copy(update={"place": None})})


MatchEvent = (
    MatchFound
    | MatchRevised
    | MatchRetracted
    | MatchShortlisted
    | MatchVetoed
    | MatchPresented
    | MatchReminded
    | MatchAccepted
    | MatchDeclined
    | MatchExpired
    | MatchIntroduced
    | OutcomeReported
)


class NearMiss(Value):
    """A need that came close to being a match."""

    need_id: UUID
    region: Region
    challenges: tuple[Challenge, ...]
    """Those that both come under, in ascending order."""
    score: float
    """0 to 1, as of a match."""
    failed: tuple[str, ...]
    """Why it is no match: short sentences, in English, that quote neither text."""


class NoMatchFound(Event, topic="i2pcc.suggestions.v1", key="proposal_id"):
    """A proposal answers no need that is open now; it is matched again with every new one."""

    proposal_id: UUID
    version: int
    """The proposal's version that was compared."""
    nearest: tuple[NearMiss, ...]
    """Best first, at most five."""


class CoveredPart(Value):
    """A part of a need, and the company that could bring it."""

    part: int
    """Its place among the need's parts, from 1."""
    company_id: UUID
    closeness: float
    """0 to 1, higher is better; comparable within one `model` only."""


class ConsortiumSuggested(Event, topic="i2pcc.suggestions.v1", key="need_id"):
    """Several companies could cover a need's parts together, which no proposal does; its version counts the need's
    suggestions. All of them agreed to be suggested."""

    suggestion_id: UUID
    """UUIDv5 of the need and the set of companies: the same ones are suggested for it once."""
    need_id: UUID
    need_version: int
    """The version whose parts were looked at."""
    region: Region
    """The need's."""
    lead_id: UUID
    """Who covers most, and could lead."""
    members: tuple[UUID, ...]
    """All of them, the lead first."""
    provinces: tuple[Province, ...]
    """One for each member, in the members' order."""
    coverage: tuple[CoveredPart, ...]
    """Part by part."""
    gaps: tuple[int, ...]
    """The parts that none of them covers, by their places."""
    score: float
    """0 to 1, higher is better: the mean closeness over all parts, where a gap counts as 0."""
    model: str
    """Names what measured closeness and chose."""
