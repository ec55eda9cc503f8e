"""Matching over HTTP: matches with their reasons, and the regions' answers."""

from uuid import UUID

from opentelemetry import trace
from sqlalchemy import ColumnElement
from sqlmodel import col, select

from services.matching.models import Match
from services.matching.rules import answer
from services.matching.steps import take
from shared.auth import Caller, CurrentCaller, RegionPerson
from shared.db import Db, shares
from shared.events import MatchAccepted, MatchDeclined, MatchFacts, MatchState
from shared.http import Draft, Page, Session, commands, queries
from shared.problems import not_found
from shared.telemetry import context
from shared.vocabulary import Role, Short

write = commands()
read = queries()


class Answer(Draft):
    """A region's answer. `version` is the match's version that the caller has seen."""

    version: int


class Refusal(Answer):
    """A negative answer, and why."""

    reason: Short


@write.post("/matches/{match_id}/accept")
async def accept_match(match_id: UUID, seen: Answer, caller: RegionPerson, db: Session) -> MatchFacts:
    """Give a positive answer; both parties are then introduced."""
    match = await _answerable(db, match_id, caller.region, seen.version)
    return take(db, match, MatchAccepted, MatchState.ACCEPTED)


@write.post("/matches/{match_id}/decline")
async def decline_match(match_id: UUID, refusal: Refusal, caller: RegionPerson, db: Session) -> MatchFacts:
    """Give a negative answer."""
    match = await _answerable(db, match_id, caller.region, refusal.version)
    return take(db, match, MatchDeclined, MatchState.DECLINED, reason=refusal.reason)


@read.get("/matches")
async def list_matches(
    caller: CurrentCaller,
    db: Session,
    page: Page,
    need_id: UUID | None = None,
    proposal_id: UUID | None = None,
    state: MatchState | None = None,
) -> list[MatchFacts]:
    """The matches that the caller may see, by id; `after` is the last id of the page before."""
    query = select(Match).where(_visible(caller))
    for column, value in ((Match.need_id, need_id), (Match.proposal_id, proposal_id), (Match.state, state)):
        if value is not None:
            query = query.where(col(column) == value)
    rows = await page.of(db, query, Match.match_id)
    return [MatchFacts.model_validate(row.model_dump()) for row in rows]


@read.get("/matches/{match_id}")
async def get_match(match_id: UUID, caller: CurrentCaller, db: Session) -> MatchFacts:
    """One match that the caller may see."""
    match = await db.scalar(select(Match).where(Match.match_id == match_id, _visible(caller)))
    if match is None:
        raise not_found("match")
    return MatchFacts.model_validate(match.model_dump())


async def _answerable(db: Db, match_id: UUID, region: str, seen: int) -> Match:
    match = await db.get(Match, match_id, with_for_update=True)
    if match is None or match.region != region or not match.presented:
        raise not_found("match")
    answer(MatchState(match.state), match.version, seen)
    trace.get_current_span().add_link(trace.get_current_span(context(match.traceparent)).get_span_context())
    return match


def _visible(caller: Caller) -> ColumnElement[bool]:
    """Who reads which matches: a region its own once presented, a company its own, a coordinator its province's."""
    match caller.role:
        case Role.REGION | Role.PARTNER:
            return (col(Match.region) == caller.region) & col(Match.presented)
        case Role.COMPANY:
            return col(Match.members).contains([caller.company_id])
        case Role.COORDINATOR | Role.OPERATOR:
            return shares(Match.provinces, caller.provinces)
