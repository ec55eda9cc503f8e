"""Fit per part: which of a need's parts a proposal covers, by which contributor, how close, and what is left open."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic import BaseModel
from sqlmodel import col, select

from services.matching.access import readable
from services.matching.composer import COVERED
from services.matching.current import Current, outside, prepared, recognised
from services.matching.life import LIVE
from services.matching.models import ConsortiumCopy, Match, NeedCopy, ProposalCopy
from services.matching.pairs import closenesses
from services.matching.scoring.background import Prepared, Side
from services.matching.scoring.texts import Text
from services.matching.tiers import reads_need, reads_proposal
from shared.auth import Party
from shared.db import Db, Sessions
from shared.events import PartState
from shared.http import Session, queries
from shared.problems import not_found
from shared.vocabulary import Language, Role

read = queries()


@dataclass(frozen=True)
class Contributor:
    """A member of a proposal, and what it brings, in words."""

    company_id: UUID
    brings: tuple[str, ...]


@dataclass(frozen=True)
class PartFit:
    """Who comes closest to one part of a need."""

    part: int
    """Its place among the need's parts, from 1."""
    contributor: int
    """Its place among the proposal's contributors, from 1: the lead is the first."""
    closeness: float
    """0 to 1, higher is better."""

    @property
    def covers(self) -> bool:
        """Whether that is close enough."""
        return self.closeness >= COVERED


class ShownPart(BaseModel):
    """One part of a need, and what of a match's proposal covers it."""

    part: int
    """Its place among the need's parts, from 1."""
    title: str
    """The need's words for it."""
    contributor: int | None
    """Who covers it: 1 is the lead, the others follow in the consortium's order. None: the part is open."""
    company_id: UUID | None
    """The same company, for the match's members and coordinators; to a region only the introduction says it."""
    brings: str | None
    """What the contributor brings, in the proposal's words; to a region from its interest on."""
    closeness: float
    """Of what comes nearest, be it too far off to cover the part; 0 to 1, higher is better."""


@read.get("/matches/{match_id}/parts")
async def get_parts(match_id: UUID, caller: Party, db: Session) -> list[ShownPart]:
    """Which of its need's parts a match's proposal covers, and what it leaves open."""
    match = await readable(db, match_id, caller)
    if not reads_need(caller, match):
        raise not_found("need")
    need, proposal = await db.get_one(NeedCopy, match.need_id), await db.get_one(ProposalCopy, match.proposal_id)
    members = await contributors(db, proposal)
    parts, language = need.parts, Language(need.language)
    words, named = reads_proposal(caller, match), caller.role is not Role.REGION
    async with outside(db) as (elsewhere, now):
        fits = fit_per_part(now, await asked(elsewhere, now, parts, language), await brought(elsewhere, now, members))
    return [_shown(parts[fit.part - 1], fit, members, words=words, named=named) for fit in fits]


async def asked(sessions: Sessions, now: Current, parts: Sequence[str], language: Language) -> list[Prepared]:
    """A need's parts, ready to be compared. It embeds: outside any transaction."""
    return await prepared(sessions, now, Side.NEED, [Text(part, "", language) for part in parts])


async def brought(sessions: Sessions, now: Current, members: Sequence[Contributor]) -> list[list[Prepared]]:
    """What each member brings, ready to be compared. It embeds: outside any transaction."""
    texts = await recognised(sessions, now, [words for member in members for words in member.brings])
    ready = iter(await prepared(sessions, now, Side.PROPOSAL, texts))
    return [[next(ready) for _ in member.brings] for member in members]


def fit_per_part(now: Current, parts: Sequence[Prepared], members: Sequence[Sequence[Prepared]]) -> list[PartFit]:
    """Who of those that bring something comes closest to each part; of equals the first."""
    by = [place for place, brings in enumerate(members, 1) for _ in brings]
    offers = [offer for brings in members for offer in brings]
    fits = []
    for number, part in enumerate(parts, 1):
        row = closenesses(now, part, offers)
        nearest = max(range(len(row)), key=row.__getitem__)
        fits.append(PartFit(number, by[nearest], row[nearest]))
    return fits


async def contributors(db: Db, proposal: ProposalCopy) -> list[Contributor]:
    """Who brings what: the lead what the proposal says in short, each other member its part of the consortium."""
    lead = Contributor(proposal.lead_id, tuple(words for words in (proposal.title, proposal.summary) if words))
    consortium = await db.get(ConsortiumCopy, proposal.consortium_id) if proposal.consortium_id else None
    parts = [part for part in consortium.parts if part["state"] == PartState.CONFIRMED] if consortium else []
    return [lead, *(Contributor(UUID(part["company_id"]), (part["title"],)) for part in parts)]


async def live_contributors(db: Db, need: NeedCopy) -> list[list[Contributor]]:
    """The contributors of each proposal that has a live match with a need."""
    query = (
        select(ProposalCopy)
        .join(Match, col(Match.proposal_id) == ProposalCopy.proposal_id)
        .where(Match.need_id == need.need_id, col(Match.state).in_(LIVE))
        .order_by(col(ProposalCopy.proposal_id))
    )
    return [await contributors(db, proposal) for proposal in (await db.scalars(query)).all()]


def _shown(title: str, fit: PartFit, members: Sequence[Contributor], *, words: bool, named: bool) -> ShownPart:
    member = members[fit.contributor - 1] if fit.covers else None
    return ShownPart(
        part=fit.part,
        title=title,
        contributor=fit.contributor if member else None,
        company_id=member.company_id if member and named else None,
        brings=member.brings[0] if member and words else None,
        closeness=fit.closeness,
    )
