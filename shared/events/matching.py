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
    state: MatchState
    need_id: UUID
    need_version: int
    proposal_id: UUID
    proposal_version: int
    region: Region
    provinces: tuple[Province, ...]
    challenges: tuple[Challenge, ...]
    """The challenges that both come under."""
    score: float
    """0 to 1."""
    reasons: tuple[str, ...]
    presented: bool = False
    """Whether the region has been shown this match."""
    model: str
    """What scored it."""

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


class MatchIntroduced(MatchFacts):
    """Both parties have been put in touch."""


MatchEvent = (
    MatchFound | MatchRevised | MatchRetracted | MatchPresented | MatchAccepted | MatchDeclined | MatchIntroduced
)
