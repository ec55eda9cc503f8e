"""Who may read and who may decide: matches and proposals, from matching's own copies."""

from uuid import UUID

from opentelemetry import trace
from sqlalchemy import ColumnElement
from sqlmodel import col, select

from services.matching.life import Step, check
from services.matching.models import Match, ProposalCopy
from shared.auth import Caller
from shared.db import Db, shares
from shared.events import MatchState
from shared.problems import not_found
from shared.telemetry import context
from shared.vocabulary import Role


def visible(caller: Caller) -> ColumnElement[bool]:
    """Who reads which matches: a region its own once presented, a company its own, a coordinator its province's."""
    match caller.role:
        case Role.REGION | Role.PARTNER:
            return (col(Match.region) == caller.region) & col(Match.presented)
        case Role.COMPANY:
            return col(Match.members).contains([caller.company_id])
        case Role.COORDINATOR | Role.OPERATOR:
            return shares(Match.provinces, caller.provinces)


async def readable(db: Db, match_id: UUID, caller: Caller) -> Match:
    """A match that the caller may see."""
    match = await db.scalar(select(Match).where(Match.match_id == match_id, visible(caller)))
    if match is None:
        raise not_found("match")
    return match


async def readable_proposal(db: Db, proposal_id: UUID, caller: Caller) -> ProposalCopy:
    """A proposal that the caller's company takes part in, or one of its province's."""
    proposal = await db.get(ProposalCopy, proposal_id)
    if proposal is None:
        raise not_found("proposal")
    mine = caller.company_id in proposal.members if caller.role is Role.COMPANY else False
    if not (mine or {*proposal.provinces} & {*caller.provinces}):
        raise not_found("proposal")
    return proposal


async def deciding(db: Db, match_id: UUID, caller: Caller, step: Step, seen: int) -> Match:
    """A match, locked, of which the caller may take this step, and has seen the newest version.

    Raises:
        Problem: 404 if the match is not the caller's; 409 if the step is not possible now.
    """
    match = await db.get(Match, match_id, with_for_update=True)
    if match is None or not _decides(caller, match):
        raise not_found("match")
    check(MatchState(match.state), step, caller.role, match.version, seen)
    trace.get_current_span().add_link(trace.get_current_span(context(match.traceparent)).get_span_context())
    return match


def words_are_for(caller: Caller, match: Match) -> bool:
    """Whether the caller reads what people wrote about a match: its parties, and the coordinators of its lead."""
    match caller.role:
        case Role.REGION:
            return match.region == caller.region
        case Role.COMPANY:
            return caller.company_id in match.members
        case Role.COORDINATOR:
            return match.provinces[0] in caller.provinces
        case _:
            return False


def _decides(caller: Caller, match: Match) -> bool:
    match caller.role:
        case Role.REGION:
            return match.region == caller.region and match.presented
        case Role.COMPANY:
            return caller.company_id in match.members
        case Role.COORDINATOR:
            return match.provinces[0] in caller.writes_for
        case _:
            return False
