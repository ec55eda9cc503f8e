"""How much of a text is shown to whom: a proposal's teaser, its details, and the need beside it.

The third tier, who is behind them, is the introduction's alone.
"""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel
from sqlmodel import col, select

from services.matching.access import readable
from services.matching.life import AGREED
from services.matching.models import Match, NeedCopy, ProposalCopy
from shared.auth import Caller, NetworkPerson, Party
from shared.events import (
    Budget,
    Capacity,
    MatchState,
    Maturity,
    Original,
    Price,
    ProposalKind,
    Teaser,
)
from shared.http import Page, Session, queries
from shared.problems import not_found
from shared.vocabulary import Challenge, IntellectualProperty, Language, Partnership, Region, Role

PARTIES = {Role.COMPANY, Role.REGION, Role.COORDINATOR}
"""Those whom a match's texts concern; partners and operators read none."""

read = queries()


class ProposalTeaser(BaseModel):
    """What anyone in the network may read of a proposal: as much as its owner chose."""

    proposal_id: UUID
    kind: ProposalKind
    challenges: tuple[Challenge, ...]
    trl: int | None
    """Technology readiness level."""
    title: str | None = None
    summary: str | None = None


class ProposalDetails(BaseModel):
    """What a proposal says, but for who is behind it."""

    version: int
    title: str
    body: str | None
    """None: the copy is from before bodies were kept."""
    language: Language
    maturity: Maturity | None
    intellectual_property: IntellectualProperty | None
    partnerships: tuple[Partnership, ...]
    scale: str | None
    price: Price | None
    working_languages: tuple[Language, ...]


class ShownProposal(BaseModel):
    """A match's proposal, as far as the caller may read it."""

    teaser: ProposalTeaser
    details: ProposalDetails | None
    """For a region once it has shown interest; for the others always."""


class ShownNeed(BaseModel):
    """A match's need: its text and what it asks for."""

    need_id: UUID
    version: int
    region: Region
    title: str
    body: str | None
    """None: the copy is from before bodies were kept."""
    language: Language
    challenges: tuple[Challenge, ...]
    deadline: date | None
    parts: tuple[str, ...]
    site: str | None
    industry: str | None
    capacity: Capacity | None
    budget: Budget | None
    minimum_trl: int | None
    evidence: tuple[str, ...]
    partnerships: tuple[Partnership, ...]
    original: Original | None
    organisation: str | None
    """Who has the need; to others than the region only after a positive answer."""


@read.get("/teasers")
async def list_teasers(
    caller: NetworkPerson,
    db: Session,
    page: Page,
    challenge: Annotated[Challenge | None, Query()] = None,
    kind: ProposalKind | None = None,
) -> list[ProposalTeaser]:
    """What is proposed in the network, by id; `after` is the last id of the page before."""
    query = select(ProposalCopy).where(~col(ProposalCopy.withdrawn))
    if challenge is not None:
        query = query.where(col(ProposalCopy.challenges).contains([challenge]))
    if kind is not None:
        query = query.where(ProposalCopy.kind == kind)
    return [teaser(proposal) for proposal in await page.of(db, query, ProposalCopy.proposal_id)]


@read.get("/proposals/{proposal_id}/teaser")
async def get_teaser(proposal_id: UUID, caller: NetworkPerson, db: Session) -> ProposalTeaser:
    """What anyone in the network may read of a proposal that is not withdrawn."""
    proposal = await db.get(ProposalCopy, proposal_id)
    if proposal is None or proposal.withdrawn:
        raise not_found("proposal")
    return teaser(proposal)


@read.get("/matches/{match_id}/proposal")
async def get_matched_proposal(match_id: UUID, caller: Party, db: Session) -> ShownProposal:
    """A match's proposal: to its region the teaser, and the details once it has shown interest."""
    match = await readable(db, match_id, caller)
    proposal = await db.get_one(ProposalCopy, match.proposal_id)
    return ShownProposal(teaser=teaser(proposal), details=_details(proposal) if reads_proposal(caller, match) else None)


@read.get("/matches/{match_id}/need")
async def get_matched_need(match_id: UUID, caller: Party, db: Session) -> ShownNeed:
    """A match's need; a company reads it as long as the match is not retracted."""
    match = await readable(db, match_id, caller)
    if not reads_need(caller, match):
        raise not_found("need")
    need = ShownNeed.model_validate((await db.get_one(NeedCopy, match.need_id)).model_dump())
    named = caller.role is Role.REGION or match.state in AGREED
    return need if named else need.model_copy(update={"organisation": None})


def teaser(proposal: ProposalCopy) -> ProposalTeaser:
    """As much as the proposal's owner shows to the network."""
    titled = proposal.teaser in (Teaser.TITLE, Teaser.SUMMARY)
    return ProposalTeaser(
        proposal_id=proposal.proposal_id,
        kind=ProposalKind(proposal.kind),
        challenges=tuple(map(Challenge, proposal.challenges)),
        trl=proposal.maturity["trl"] if proposal.maturity else None,
        title=proposal.title if titled else None,
        summary=proposal.summary if proposal.teaser == Teaser.SUMMARY else None,
    )


def _details(proposal: ProposalCopy) -> ProposalDetails:
    return ProposalDetails.model_validate(proposal.model_dump(exclude={"embedding", "prepared"}))


def reads_need(caller: Caller, match: Match) -> bool:
    """Whether one who may read the match reads its need: a company as long as it is not retracted."""
    return caller.role in PARTIES and not (caller.role is Role.COMPANY and match.state == MatchState.RETRACTED)


def reads_proposal(caller: Caller, match: Match) -> bool:
    """Whether the details are open to one who may read the match: to a region once it has asked, while it holds."""
    holds = match.state in AGREED | {MatchState.PRESENTED}
    return caller.role in PARTIES and (caller.role is not Role.REGION or (holds and match.interested_at is not None))
