"""Who could bring a part of a consortium's puzzle: companies that agreed to be suggested, by what they are good at."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import delete
from sqlmodel import col

from services.matching.current import Current, outside, prepared, recognised
from services.matching.models import CompanyCopy, ConsortiumCopy, Stronghold, ToMatch
from services.matching.pairs import closenesses
from services.matching.rules import NEAREST
from services.matching.scoring.background import Prepared, Side
from services.matching.scoring.packing import packed, place, question, unpacked
from services.matching.suggestions import look_anew
from shared.auth import Caller, CompanyOrCoordinator
from shared.db import Db, Sessions, fetch
from shared.events import PartState, Teaser
from shared.http import Session, queries
from shared.problems import not_found
from shared.vocabulary import Province, Role

SOUGHT = 50
"""Offers that are looked at for one part."""
LEAST = 0.1
"""The least probability with which an offer is told of."""
NEAR = f"""
    with offered as (
        select company_id, 'stronghold' as source, title, embedding, prepared
        from stronghold where background = $3
        union all
        select lead_id, 'interest', case teaser when '{Teaser.CHALLENGES}' then null else title end, embedding, prepared
        from proposal where kind = 'interest' and open and background = $3
    )
    select company_id, name, province, source, title, prepared from offered join company using (company_id)
    where suggestible and company_id <> all($2::uuid[])
    order by embedding <#> (select $1::text::halfvec), company_id, title limit {SOUGHT}
"""

read = queries()


class Candidate(BaseModel):
    """A company that could be asked."""

    company_id: UUID
    name: str
    province: Province
    source: Literal["stronghold", "interest"]
    """What fits: a stronghold, or an expression of interest."""
    title: str | None
    """Its title, unless the company keeps that to itself."""
    closeness: float
    """The probability that it is good for the part, 0 to 1."""


class OpenPart(BaseModel):
    """A part that nobody brings yet."""

    part_id: UUID
    title: str
    candidates: tuple[Candidate, ...]
    """Best first, at most five."""


@read.get("/consortia/{consortium_id}/candidates")
async def list_candidates(consortium_id: UUID, caller: CompanyOrCoordinator, db: Session) -> list[OpenPart]:
    """Who could bring what is still wanted or was declined, for the consortium's lead and its coordinators."""
    consortium = await db.get(ConsortiumCopy, consortium_id)
    if consortium is None or not await _leads(db, caller, consortium):
        raise not_found("consortium")
    parts = _open(consortium)
    inside = [consortium.lead_id, *(UUID(part["company_id"]) for part in consortium.parts)]
    async with outside(db) as (elsewhere, now):
        texts = await recognised(elsewhere, now, [title for _, title in parts])
        sought = await prepared(elsewhere, now, Side.NEED, texts)
    return [
        OpenPart(part_id=part_id, title=title, candidates=await _candidates(db, now, part, inside))
        for (part_id, title), part in zip(parts, sought, strict=True)
    ]


async def learn(sessions: Sessions, now: Current, company_id: UUID, version: int) -> None:
    """Make a company's strongholds ready to be compared, unless it has said something newer meanwhile."""
    async with sessions() as db:
        titles = [each["title"] for each in (await db.get_one(CompanyCopy, company_id)).strongholds]
    offers = await prepared(sessions, now, Side.PROPOSAL, await recognised(sessions, now, titles))
    async with sessions() as db, db.begin():
        task = await db.get(ToMatch, company_id, with_for_update=True)
        if task is None or task.version != version:
            return
        await db.execute(delete(Stronghold).where(col(Stronghold.company_id) == company_id))
        for number, (title, offer) in enumerate(zip(titles, offers, strict=True)):
            db.add(
                Stronghold(
                    company_id=company_id,
                    place=number,
                    title=title,
                    embedding=place(offer, Side.PROPOSAL),
                    prepared=packed(offer),
                    background=now.version,
                )
            )
        await db.delete(task)
        await look_anew(db, task.traceparent)


async def _leads(db: Db, caller: Caller, consortium: ConsortiumCopy) -> bool:
    """Whether the caller leads the consortium, or coordinates its lead."""
    if caller.role is Role.COMPANY:
        return caller.company_id == consortium.lead_id
    lead = await db.get(CompanyCopy, consortium.lead_id)
    return lead is not None and lead.province in caller.provinces


def _open(consortium: ConsortiumCopy) -> Sequence[tuple[UUID, str]]:
    """The parts that look for a company; none, once the proposal has been submitted."""
    if consortium.closed:
        return []
    declined = [part for part in consortium.parts if part["state"] == PartState.DECLINED]
    return [(UUID(part["part_id"]), part["title"]) for part in (*consortium.wanted, *declined)]


async def _candidates(db: Db, now: Current, part: Prepared, inside: Sequence[UUID]) -> tuple[Candidate, ...]:
    rows = await fetch(db, NEAR, str(question(part).tolist()), inside, now.version)
    best: dict[UUID, Candidate] = {}
    for row, near in zip(rows, closenesses(now, part, [unpacked(row["prepared"]) for row in rows]), strict=True):
        candidate = Candidate.model_validate({**row, "closeness": near})
        held = best.get(candidate.company_id)
        if near >= LEAST and (held is None or near > held.closeness):
            best[candidate.company_id] = candidate
    nearest = sorted(best.values(), key=lambda each: (-each.closeness, each.company_id))
    return tuple(nearest[:NEAREST])
