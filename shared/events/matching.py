"""What matching says: every match and its life. Teaser-level: no company, no person, no quoted text."""

from enum import StrEnum
from uuid import UUID

from shared.events.base import Event
from shared.vocabulary import Challenge, Province, Region


class MatchState(StrEnum):
    """Where a match stands."""

    FOUND = "found"
    PRESENTED = "presented"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    INTRODUCED = "introduced"
    RETRACTED = "retracted"


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
    """0 to 1, higher is better; no probability, and comparable within one `model` only."""
    reasons: tuple[str, ...]
    """Short sentences, in English, that quote neither text."""
    presented: bool = False
    """Whether the region has been shown this match."""
    model: str
    """Names what scored it."""

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


class MatchAccepted(MatchFacts):
    """The region gave a positive answer."""


class MatchDeclined(MatchFacts):
    """The region gave a negative answer."""

    reason: str
    """In the region's own words; at most 500 characters."""


class MatchIntroduced(MatchFacts):
    """Both parties have been put in touch."""


MatchEvent = (
    MatchFound | MatchRevised | MatchRetracted | MatchPresented | MatchAccepted | MatchDeclined | MatchIntroduced
)
