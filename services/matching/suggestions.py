"""A need that no proposal covers wholly: which companies that agreed to be suggested could cover it together.

Looking for them embeds and solves, outside any transaction; what is said is decided in one that holds the need's row
of `to_match`, so that two instances never say the same.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

from pydantic import BaseModel
from sqlalchemy import ColumnElement, any_, text
from sqlmodel import col, select

from services.matching.composer import Consortium, compose, is_news
from services.matching.constraints import Conditions, constraints
from services.matching.coverage import asked, brought, fit_per_part, live_contributors
from services.matching.current import Current
from services.matching.models import CompanyCopy, NeedCopy, ProposalCopy, Side, Stronghold, Suggestion, ToMatch
from services.matching.pairs import RATES, closenesses, need_features, proposal_features
from services.matching.scoring.background import Prepared
from services.matching.scoring.packing import question, unpacked
from services.matching.search import candidates
from shared.auth import Caller, CompanyOrCoordinator
from shared.db import Db, Sessions, shares
from shared.events import ConsortiumSuggested, CoveredPart
from shared.http import Page, Session, queries
from shared.outbox import emit
from shared.problems import not_found
from shared.vocabulary import Language, Province, Region, Role

CONSORTIUM = "consortium"
"""The kind of row of `to_match` that has a consortium looked for; its id is the need's."""
CONTRIBUTION = "contribution"
"""The kind of row whose proposal may complete a consortium for the needs near it; its id is the proposal's."""
FEWEST = 2
"""Parts of a need that can be met piece by piece."""
SUGGESTIONS = UUID("c1f6a1de-32ad-5a5f-8a7e-0a4be1d6f0b2")
"""Namespace of suggestion ids."""
COMPOSER = "composer-1"
"""Names how a set is composed of the scores; a change of it is a new name."""
LOOK = text(
    "insert into to_match (id, kind, traceparent) "
    f"select need_id, '{CONSORTIUM}', :traceparent from need "
    f"where not closed and jsonb_array_length(parts) >= {FEWEST} "
    "and (cast(:needs as uuid[]) is null or need_id = any(:needs)) order by need_id "
    "on conflict (id) do update set version = excluded.version, leased_until = null "
    f"where to_match.kind = '{CONSORTIUM}'"
)
"""A need that is to be matched is looked at after that; one that is being looked at is looked at once more."""

Offer = tuple[UUID, bytes, int | None]
"""A company, something that it offers, and the version of the background that this was made ready against."""

read = queries()


class Member(BaseModel):
    """A company that could take part."""

    company_id: UUID
    name: str
    province: Province


class ShownSuggestion(BaseModel):
    """Companies that could cover a need's parts together."""

    suggestion_id: UUID
    need_id: UUID
    version: int
    """Counts the need's suggestions."""
    region: Region
    members: tuple[Member, ...]
    """The lead first: who covers most."""
    parts: tuple[str, ...] | None
    """The need's; none, if the need has been revised since."""
    coverage: tuple[CoveredPart, ...]
    gaps: tuple[int, ...]
    """The parts that none of them covers, by their places from 1."""
    score: float
    """0 to 1, higher is better: the mean closeness over all parts, where a gap counts as 0."""
    model: str


@read.get("/suggestions")
async def list_suggestions(caller: CompanyOrCoordinator, db: Session, page: Page) -> list[ShownSuggestion]:
    """The suggestions that the caller's company, or one of the province's, is in, by id; of needs that are open."""
    query = select(Suggestion).where(_visible(caller), _stands())
    return await _shown(db, await page.of(db, query, Suggestion.suggestion_id))


@read.get("/needs/{need_id}/suggestions")
async def list_of_need(need_id: UUID, caller: CompanyOrCoordinator, db: Session) -> list[ShownSuggestion]:
    """A need's suggestions that the caller may see, the newest first; without any, it is as if it were not there."""
    query = select(Suggestion).where(Suggestion.need_id == need_id, _visible(caller), _stands())
    found = (await db.scalars(query.order_by(col(Suggestion.version).desc()))).all()
    if not found:
        raise not_found("suggestion")
    return await _shown(db, found)


async def close(db: Db, task: ToMatch, side: Side) -> None:
    """A side has been matched: look for consortia, if it is one that can be a piece, or be met piece by piece."""
    if side.gone:
        await db.delete(task)
    elif isinstance(side, NeedCopy) and len(side.parts) >= FEWEST:
        task.kind, task.leased_until = CONSORTIUM, None
    elif isinstance(side, ProposalCopy) and await _agreed(db, side.lead_id):
        task.kind, task.leased_until = CONTRIBUTION, None
    else:
        await db.delete(task)


async def look_anew(db: Db, traceparent: str | None, needs: Sequence[UUID] | None = None) -> None:
    """What companies offer has changed: look for the consortia of these needs, or of all, once more."""
    await db.execute(LOOK, {"traceparent": traceparent, "needs": needs})


async def contribute(sessions: Sessions, now: Current, proposal_id: UUID, version: int) -> None:
    """Look for the consortia of the needs near a proposal once more.

    In a transaction of its own: it waits for rows of needs, whose workers may wait for the matches that it would hold.
    """
    async with sessions() as db, db.begin():
        task = await db.get(ToMatch, proposal_id, with_for_update=True)
        if task is None or (task.kind, task.version) != (CONTRIBUTION, version):
            return
        proposal = await db.get_one(ProposalCopy, proposal_id)
        near = await candidates(db, proposal, question(unpacked(proposal.prepared or b"")), [])
        await look_anew(db, task.traceparent, [need.need_id for need, _ in near])
        await db.delete(task)


async def suggest(sessions: Sessions, now: Current, need_id: UUID, version: int) -> None:
    """Suggest a consortium for a need, unless there is something newer to look at meanwhile.

    As long as not all that is offered is compared by what scores are made by now, the row stays: its lease ends, and it
    is looked at again then. Of a part of the offers another set would be found.
    """
    async with sessions() as db:
        need = await db.get_one(NeedCopy, need_id)
        answers, offers = await live_contributors(db, need), await _offers(db, need)
    if any(background != now.version for _, _, background in offers):
        return
    parts = await asked(sessions, now, need.parts, Language(need.language))
    of_answers = [await brought(sessions, now, answer) for answer in answers]
    rows, found = await asyncio.to_thread(_look, now, parts, of_answers, offers)
    async with sessions() as db, db.begin():
        task = await db.get(ToMatch, need_id, with_for_update=True)
        if task is None or (task.kind, task.version) != (CONSORTIUM, version):
            return
        if found:
            await _say(db, need, found, rows, f"{now.model}/{COMPOSER}")
        await db.delete(task)


def _look(
    now: Current, parts: Sequence[Prepared], answers: Sequence[Sequence[Sequence[Prepared]]], offers: Sequence[Offer]
) -> tuple[Mapping[UUID, list[float]], Consortium | None]:
    """How close each company comes to each part, and the best set; none, if one proposal covers the need wholly."""
    if any(all(fit.covers for fit in fit_per_part(now, parts, answer)) for answer in answers):
        return {}, None
    ready = [unpacked(offer) for _, offer, _ in offers]
    matrix = [closenesses(now, part, ready) for part in parts]
    rows: dict[UUID, list[float]] = {}
    for (company, *_), *column in zip(offers, *matrix, strict=True):
        rows[company] = list(map(max, column, rows.get(company, column)))
    return rows, compose(len(parts), rows)


async def _say(db: Db, need: NeedCopy, found: Consortium, rows: Mapping[UUID, list[float]], model: str) -> None:
    """Keep and tell a suggestion, if it is news for this need."""
    query = select(col(Suggestion.members)).where(col(Suggestion.need_id) == need.need_id)
    earlier = (await db.scalars(query)).all()
    if not is_news(rows, found, earlier):
        return
    event = ConsortiumSuggested(
        version=len(earlier) + 1,
        suggestion_id=suggestion_id(need.need_id, found.members),
        need_id=need.need_id,
        need_version=need.version,
        region=Region(need.region),
        lead_id=found.members[0],
        members=found.members,
        provinces=await _provinces(db, found.members),
        coverage=tuple(CoveredPart(**vars(each)) for each in found.coverage),
        gaps=found.gaps,
        score=found.score,
        model=model,
    )
    db.add(Suggestion.model_validate(event.model_dump() | {"coverage": event.model_dump(mode="json")["coverage"]}))
    emit(db, event)


def suggestion_id(need: UUID, members: Collection[UUID]) -> UUID:
    """The one id that this set of companies can have for this need."""
    return uuid5(SUGGESTIONS, "/".join(map(str, (need, *sorted(members)))))


async def _agreed(db: Db, company_id: UUID) -> bool:
    company = await db.get(CompanyCopy, company_id)
    return company is not None and company.suggestible


async def _offers(db: Db, need: NeedCopy) -> list[Offer]:
    """What companies that agreed to be suggested offer: strongholds, and what they propose that this need allows."""
    agreed = select(CompanyCopy.company_id).where(CompanyCopy.suggestible)
    strongholds = await db.scalars(select(Stronghold).where(col(Stronghold.company_id).in_(agreed)))
    proposals = await db.scalars(
        select(ProposalCopy).where(
            col(ProposalCopy.lead_id).in_(agreed),
            ~col(ProposalCopy.withdrawn),
            col(ProposalCopy.embedded_version) == ProposalCopy.version,
        )
    )
    return [
        *((each.company_id, each.prepared, each.background) for each in strongholds),
        *(
            (each.lead_id, each.prepared, each.background)
            for each in proposals
            if each.prepared and _allows(need, each)
        ),
    ]


def _allows(need: NeedCopy, proposal: ProposalCopy) -> bool:
    """Whether nothing that the two state rules the proposal out; a stronghold states nothing."""
    known = Conditions(yuan_per_euro=RATES.yuan_per_euro)
    sides = need_features(need, frozenset()), proposal_features(proposal, frozenset())
    return all(each.passed for each in constraints(*sides, known))


async def _provinces(db: Db, members: Sequence[UUID]) -> tuple[Province, ...]:
    companies = await _companies(db, members)
    return tuple(Province(companies[each].province) for each in members)


async def _companies(db: Db, ids: Collection[UUID]) -> Mapping[UUID, CompanyCopy]:
    found = await db.scalars(select(CompanyCopy).where(col(CompanyCopy.company_id).in_(ids)))
    return {each.company_id: each for each in found}


def _visible(caller: Caller) -> ColumnElement[bool]:
    """A company sees those that it is in, a coordinator those that a company of the province is in."""
    if caller.role is Role.COMPANY:
        return col(Suggestion.members).contains([caller.company_id])
    return shares(Suggestion.provinces, caller.provinces)


def _stands() -> ColumnElement[bool]:
    """Whether the need is still open, and none of the companies has taken back that it may be suggested."""
    is_open = select(NeedCopy).where(col(NeedCopy.need_id) == Suggestion.need_id, ~col(NeedCopy.closed))
    silent = select(CompanyCopy).where(
        col(CompanyCopy.company_id) == any_(col(Suggestion.members)), ~col(CompanyCopy.suggestible)
    )
    return is_open.exists() & ~silent.exists()


async def _shown(db: Db, suggestions: Sequence[Suggestion]) -> list[ShownSuggestion]:
    companies = await _companies(db, {member for each in suggestions for member in each.members})
    needs = await db.scalars(select(NeedCopy).where(col(NeedCopy.need_id).in_({each.need_id for each in suggestions})))
    parts: dict[tuple[Any, int], list[str]] = {(each.need_id, each.version): each.parts for each in needs}
    return [
        ShownSuggestion.model_validate(
            each.model_dump()
            | {"members": [companies[member].model_dump() for member in each.members]}
            | {"parts": parts.get((each.need_id, each.need_version))}
        )
        for each in suggestions
    ]
