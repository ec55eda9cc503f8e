"""Regions listens: it knows of each match, so that a visit on a mission can be about one."""

from collections.abc import Sequence

from services.regions.models import MatchCopy
from shared.bus import Handlers
from shared.db import Db, newest_wins
from shared.events import (
    MatchAccepted,
    MatchDeclined,
    MatchEvent,
    MatchExpired,
    MatchFound,
    MatchIntroduced,
    MatchPresented,
    MatchReminded,
    MatchRetracted,
    MatchRevised,
    MatchShortlisted,
    MatchVetoed,
    OutcomeReported,
)

events = Handlers()


@events.project(
    MatchFound,
    MatchRevised,
    MatchRetracted,
    MatchShortlisted,
    MatchVetoed,
    MatchPresented,
    MatchReminded,
    MatchAccepted,
    MatchDeclined,
    MatchExpired,
    MatchIntroduced,
    OutcomeReported,
    keeps=[MatchCopy],
)
async def keep_matches(batch: Sequence[MatchEvent], db: Db) -> None:
    """Hold where each match stands."""
    await newest_wins(db, MatchCopy, batch)
