"""One step of a match's life: a new version, and the event that says so."""

from typing import Any

from services.matching.models import Match
from shared.db import Db
from shared.events import MatchFacts, MatchState
from shared.outbox import said


def take(db: Db, match: Match, kind: type[MatchFacts], state: MatchState, **changes: Any) -> MatchFacts:
    """Take a step on a match that this transaction has locked."""
    match.sqlmodel_update({**changes, "state": state})
    match.version += 1
    return said(db, kind, match)
