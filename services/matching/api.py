"""Matching over HTTP: matches with their reasons and history, and every step that people take."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, Field
from sqlmodel import col, func, select

from services.matching.access import deciding, readable, visible, words_are_for
from services.matching.life import Step, check_outcome
from services.matching.models import Match, MatchVersion
from services.matching.steps import extras, present, take, today
from shared import audit
from shared.auth import Coordinator, CurrentCaller, Party, RegionPerson
from shared.events import MatchFacts, MatchState, Meeting, Outcome, ProposalKind
from shared.history import After, Version, history
from shared.http import Draft, Page, Session, commands, queries
from shared.vocabulary import Objection, Role, Short

write = commands()
read = queries()


class MatchView(MatchFacts, abstract=True):
    """A match as it stands, for those who may see it."""

    kind: ProposalKind
    """The proposal's: an expression of interest, or more."""


class Seen(Draft):
    """A step. `version` is the match's version that the caller has seen."""

    version: int


class Veto(Seen):
    """A coordinator's no, and why."""

    objection: Objection
    note: Short | None = None
    """For the match's parties and its coordinators; in no event."""


class Refusal(Seen):
    """A negative answer, and why."""

    reason: Short
    objection: Objection = Objection.OTHER


class MeetingDraft(Draft):
    """When and where the parties meet."""

    starts: AwareDatetime
    minutes: Annotated[int, Field(ge=1, le=1_440)]
    place: Short | None = None


class Report(Seen):
    """What came of an introduction."""

    outcome: Outcome
    objection: Objection | None = None
    """Why nothing came of it; needed then, and only then."""
    note: Short | None = None
    """For the match's parties and its coordinators; in no event."""
    meeting: MeetingDraft | None = None
    """For a meeting only."""


@write.post("/matches/{match_id}/shortlist")
async def shortlist_match(match_id: UUID, seen: Seen, caller: Coordinator, db: Session) -> MatchFacts:
    """Let the region see a match that waits for it; it is presented at once."""
    match = await deciding(db, match_id, caller, Step.SHORTLIST, seen.version)
    take(db, match, Step.SHORTLIST, caller.side)
    return present(db, match, await today(db))


@write.post("/matches/{match_id}/veto")
async def veto_match(match_id: UUID, veto: Veto, caller: Coordinator, db: Session) -> MatchFacts:
    """Keep the region from seeing a match, or from answering it."""
    match = await deciding(db, match_id, caller, Step.VETO, veto.version)
    untold = {"note": veto.note} if veto.note else {}
    return take(db, match, Step.VETO, caller.side, untold=untold, objection=veto.objection)


@write.post("/matches/{match_id}/remind")
async def remind_region(match_id: UUID, seen: Seen, caller: Coordinator, db: Session) -> MatchFacts:
    """Have the region reminded now; the clock goes on as it would."""
    match = await deciding(db, match_id, caller, Step.REMIND, seen.version)
    return take(db, match, Step.REMIND, caller.side, **extras(match, Step.REMIND))


@write.post("/matches/{match_id}/interest")
async def show_interest(match_id: UUID, seen: Seen, caller: RegionPerson, db: Session) -> MatchView:
    """Open the proposal's details to the region. It is told nobody and no answer; once is as good as twice."""
    match = await deciding(db, match_id, caller, Step.INTEREST, seen.version)
    match.interested_at = match.interested_at or await db.scalar(select(func.now()))
    audit.about(db, "Match", match_id)
    return MatchView.model_validate(match.model_dump())


@write.post("/matches/{match_id}/accept")
async def accept_match(match_id: UUID, seen: Seen, caller: RegionPerson, db: Session) -> MatchFacts:
    """Give a positive answer; both parties are then introduced."""
    match = await deciding(db, match_id, caller, Step.ACCEPT, seen.version)
    interested_at = match.interested_at or await db.scalar(select(func.now()))
    return take(db, match, Step.ACCEPT, caller.side, interested_at=interested_at)


@write.post("/matches/{match_id}/decline")
async def decline_match(match_id: UUID, refusal: Refusal, caller: RegionPerson, db: Session) -> MatchFacts:
    """Give a negative answer."""
    match = await deciding(db, match_id, caller, Step.DECLINE, refusal.version)
    return take(db, match, Step.DECLINE, caller.side, reason=refusal.reason, objection=refusal.objection)


@write.post("/matches/{match_id}/outcome")
async def report_outcome(match_id: UUID, report: Report, caller: Party, db: Session) -> MatchFacts:
    """Tell what came of an introduction; it may be told anew when more has come of it."""
    match = await deciding(db, match_id, caller, Step.OUTCOME, report.version)
    meeting = Meeting.model_validate(report.meeting.model_dump()) if report.meeting else None
    check_outcome(report.outcome, report.objection, meeting, (await db.scalars(select(func.now()))).one())
    untold = {"note": report.note} if report.note else {}
    changes: dict[str, Any] = {"outcome": report.outcome, "objection": report.objection}
    return take(db, match, Step.OUTCOME, caller.side, told={"meeting": meeting}, untold=untold, **changes)


@read.get("/matches")
async def list_matches(
    caller: CurrentCaller,
    db: Session,
    page: Page,
    need_id: UUID | None = None,
    proposal_id: UUID | None = None,
    state: MatchState | None = None,
) -> list[MatchView]:
    """The matches that the caller may see, by id; `after` is the last id of the page before."""
    query = select(Match).where(visible(caller))
    for column, value in ((Match.need_id, need_id), (Match.proposal_id, proposal_id), (Match.state, state)):
        if value is not None:
            query = query.where(col(column) == value)
    rows = await page.of(db, query, Match.match_id)
    return [MatchView.model_validate(row.model_dump()) for row in rows]


@read.get("/matches/{match_id}")
async def get_match(match_id: UUID, caller: CurrentCaller, db: Session) -> MatchView:
    """One match that the caller may see."""
    return MatchView.model_validate((await readable(db, match_id, caller)).model_dump())


@read.get("/matches/{match_id}/history")
async def get_history(match_id: UUID, caller: CurrentCaller, db: Session, after: After = 0) -> list[Version]:
    """What has become of a match, step by step; a region reads what happened since it was presented."""
    match = await readable(db, match_id, caller)
    shown = [col(MatchVersion.facts)["presented"].as_boolean()] if caller.role in (Role.REGION, Role.PARTNER) else []
    versions = await history(db, MatchVersion, match_id, after, *shown)
    return versions if words_are_for(caller, match) else [_wordless(version) for version in versions]


def _wordless(version: Version) -> Version:
    """Without what people wrote: it may name anybody."""
    facts: dict[str, Any] = {name: fact for name, fact in version.facts.items() if name not in ("reason", "note")}
    if facts.get("meeting"):
        facts["meeting"] = {**facts["meeting"], "place": None}
    return version.model_copy(update={"facts": facts})
