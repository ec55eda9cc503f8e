"""One step of a match's life: a new version, the event that says so, and its place in the history."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import text

from services.matching.labels import ANSWERS, judgement
from services.matching.life import CLOCK, LIFE, PLATFORM, SAYS, Step, after, due
from services.matching.models import Match, MatchVersion, TrainingRow
from shared.db import Db
from shared.events import MatchFacts, MatchState, Outcome
from shared.history import keep
from shared.outbox import emit
from shared.settings import Clocks
from shared.vocabulary import Objection

TODAY = text("select (now() at time zone 'UTC')::date")
CLOCKS = Clocks()
"""Read at once, so that a service with wrong ones does not start."""


def take(
    db: Db,
    match: Match,
    step: Step,
    by: str = PLATFORM,
    *,
    told: dict[str, Any] | None = None,
    untold: dict[str, Any] | None = None,
    **changes: Any,
) -> MatchFacts:
    """Take a step that is possible, on a match that this transaction has locked.

    Args:
        db: the transaction.
        match: the match, which changes.
        step: one that `life.LIFE` has for its state.
        by: a caller's side, or `platform`.
        told: what the event says beside the match.
        untold: what the history keeps and no event says.
        changes: the match's other columns.
    """
    state = LIFE[MatchState(match.state), step]
    clock = {} if state is MatchState.PRESENTED else {"due_step": None, "due_at": None}
    match.sqlmodel_update({**clock, **changes, "state": state, "by": by, "version": match.version + 1})
    if step in ANSWERS:
        db.add(_answer(match, step))
    return say(db, match, step, told, untold)


def say(
    db: Db, match: Match, step: Step, told: dict[str, Any] | None = None, untold: dict[str, Any] | None = None
) -> MatchFacts:
    """Tell what a match has become by this step."""
    event = SAYS[step].model_validate(match.model_dump(warnings=False) | (told or {}))
    emit(db, event)
    return keep(db, MatchVersion, event, match.by or PLATFORM, **untold or {})


async def today(db: Db) -> date:
    """The day by which deadlines and clocks go."""
    found: date = (await db.scalars(TODAY)).one()
    return found


def present(db: Db, match: Match, today: date) -> MatchFacts:
    """Show a match to its region, which has from now on so many days for its answer."""
    return take(db, match, Step.PRESENT, presented=True, **clock_from(today))


def clock_from(today: date) -> dict[str, Any]:
    """The clock of a match that is shown, or shown anew, today."""
    answer_by = today + timedelta(days=CLOCKS.expire_days)
    return {"answer_by": answer_by, **_next(CLOCK[0], answer_by)}


def tick(db: Db, match: Match) -> MatchFacts:
    """Take the step of the clock that is due."""
    step = Step(match.due_step or "")
    assert match.answer_by
    changes = _next(after(step), match.answer_by)
    return take(db, match, step, **extras(match, step), **changes)


def extras(match: Match, step: Step) -> dict[str, Any]:
    """What a reminder and an escalation say and change."""
    if step is Step.REMIND:
        return {"told": {"escalated": False}, "reminders": match.reminders + 1}
    return {"told": {"escalated": True}} if step is Step.ESCALATE else {}


def _answer(match: Match, step: Step) -> TrainingRow:
    """What this answer teaches; it stays as it is, whatever becomes of the match."""
    objection, outcome = match.objection and Objection(match.objection), match.outcome and Outcome(match.outcome)
    good = judgement(step, objection or None, outcome or None)
    columns = {"need_id", "match_id", "version", "objection", "outcome", "signals", "model"}
    return TrainingRow(step=step, good=good, **match.model_dump(include=columns, warnings=False))


def _next(step: Step | None, answer_by: date) -> dict[str, Any]:
    return {"due_step": step, "due_at": due(step, answer_by, CLOCKS) if step else None}
