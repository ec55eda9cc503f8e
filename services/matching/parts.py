"""Who could bring a part of a consortium's puzzle: companies that agreed to be suggested, by what they are good at."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Literal
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import delete
from sqlmodel import col

from services.matching.models import CompanyCopy, ConsortiumCopy, Stronghold, ToMatch
from services.matching.rules import NEAREST, closeness
from services.matching.vectors import embedding, kept_embedding
from shared.auth import Caller, CompanyOrCoordinator
from shared.db import Db, Sessions, fetch
from shared.events import PartState, Teaser
from shared.http import Session, queries
from shared.problems import not_found
from shared.vocabulary import Province, Role

NEAR = f"""
    with offered as (
        select company_id, 'stronghold' as source, title, embedding <=> $1::text::vector as distance
        from stronghold
        union all
        select lead_id, 'interest', case teaser when '{Teaser.CHALLENGES}' then null else title end,
            embedding <=> $1::text::vector
        from proposal where kind = 'interest' and not withdrawn and embedding is not null
    ), best as (
        select distinct on (company_id) company_id, name, province, source, title, distance
        from offered join company using (company_id)
        where suggestible and company_id <> all($2::uuid[])
        order by company_id, distance, source, title
    )
    select company_id, name, province, source, title, 1 - distance as cosine from best
    order by distance, company_id limit {NEAREST}
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
    """0 to 1, higher is better."""


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
    await db.rollback()  # embedding takes long: no transaction waits for it
    vectors = await asyncio.to_thread(_vectors, [title for _, title in parts])
    return [
        OpenPart(part_id=part_id, title=title, candidates=await _candidates(db, vectors[title], inside))
        for part_id, title in parts
    ]


async def learn(sessions: Sessions, company_id: UUID, version: int) -> None:
    """Give a company's strongholds their vectors, unless it has said something newer meanwhile."""
    async with sessions() as db:
        titles = [each["title"] for each in (await db.get_one(CompanyCopy, company_id)).strongholds]
    vectors = await asyncio.to_thread(lambda: [embedding(title) for title in titles])
    async with sessions() as db, db.begin():
        task = await db.get(ToMatch, company_id, with_for_update=True)
        if task is None or task.version != version:
            return
        await db.execute(delete(Stronghold).where(col(Stronghold.company_id) == company_id))
        for place, (title, vector) in enumerate(zip(titles, vectors, strict=True)):
            db.add(Stronghold(company_id=company_id, place=place, title=title, embedding=vector))
        await db.delete(task)


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


def _vectors(titles: Sequence[str]) -> Mapping[str, list[float]]:
    return {title: kept_embedding(title) for title in titles}


async def _candidates(db: Db, vector: list[float], inside: Sequence[UUID]) -> tuple[Candidate, ...]:
    rows = await fetch(db, NEAR, str(vector), inside)
    found = [Candidate.model_validate({**row, "closeness": closeness(row["cosine"])}) for row in rows]
    return tuple(each for each in found if each.closeness > 0)
