"""Intake over HTTP: companies, consortia, proposals."""

from typing import Annotated
from uuid import UUID, uuid4

from pydantic import Field
from sqlalchemy import ColumnElement
from sqlmodel import col, select

from services.intake.models import Company, Consortium, Proposal
from services.intake.rules import answer_part, check_puzzle, members, normal_number
from shared.auth import Caller, CompanyOrCoordinator
from shared.auth import Company as CompanyCaller
from shared.db import Db, add_new, fetch, shares
from shared.events import (
    CompanyRegistered,
    ConsortiumClosed,
    ConsortiumFacts,
    ConsortiumOpened,
    Part,
    PartConfirmed,
    PartDeclined,
    PartState,
    ProposalFacts,
    ProposalRevised,
    ProposalSubmitted,
    ProposalWithdrawn,
)
from shared.http import Draft, Page, Session, commands, queries
from shared.outbox import emit, said
from shared.problems import conflict, invalid, not_found
from shared.vocabulary import Body, Challenges, Language, Province, Role, Short, Title, company_id, storable, trimmed

PROVINCES = """
    select company_id, province from company where company_id = any($1::uuid[]) and ($2::uuid is null or exists (
        select from contact c where c.contact_id = $2 and c.company_id = ($1::uuid[])[1]))
"""

write = commands()
read = queries()


class CompanyDraft(Draft):
    """A company, as it presents itself."""

    enterprise_number: Annotated[str, trimmed(20), storable]
    name: Short
    province: Province
    languages: Annotated[tuple[Language, ...], Field(min_length=1, max_length=3)]


class PartDraft(Draft):
    """A part of the puzzle and who is asked to bring it."""

    title: Title
    company_id: UUID


class ConsortiumDraft(Draft):
    """The puzzle, as its lead describes it."""

    title: Title
    parts: Annotated[tuple[PartDraft, ...], Field(min_length=1, max_length=10)]


class ProposalDraft(Draft):
    """A proposal, alone or for a consortium whose lead the caller is."""

    title: Title
    body: Body
    language: Language
    challenges: Challenges
    contact_id: UUID
    consortium_id: UUID | None = None


class ProposalRevision(Draft):
    """A proposal's new text. `version` is the one that the caller has read."""

    version: int
    title: Title
    body: Body
    language: Language
    challenges: Challenges


@write.post("/companies", status_code=201)
async def register_company(draft: CompanyDraft, caller: CompanyCaller, db: Session) -> CompanyRegistered:
    """Register the caller's own company."""
    number = normal_number(draft.enterprise_number)
    if company_id(number) != caller.company_id:
        raise invalid("body.enterprise_number", "is not that of the company you are signed in for")
    if await db.get(Company, caller.company_id):
        raise conflict("This company is registered already.")
    company = Company(company_id=caller.company_id, **draft.model_dump(mode="json") | {"enterprise_number": number})
    db.add(company)
    return said(db, CompanyRegistered, company)


@write.post("/consortia", status_code=201)
async def open_consortium(draft: ConsortiumDraft, caller: CompanyCaller, db: Session) -> ConsortiumOpened:
    """Open a consortium, as its lead: describe the other parts and name the companies asked to bring them."""
    owners = [part.company_id for part in draft.parts]
    check_puzzle(caller.company_id, owners)
    await _provinces(db, [caller.company_id, *owners])
    parts = [Part(part_id=uuid4(), title=p.title, company_id=p.company_id, state=PartState.OPEN) for p in draft.parts]
    consortium = Consortium(title=draft.title, lead_id=caller.company_id, parts=_json(parts))
    db.add(consortium)
    return said(db, ConsortiumOpened, consortium)


@write.post("/consortia/{consortium_id}/parts/{part_id}/confirm")
async def confirm_part(consortium_id: UUID, part_id: UUID, caller: CompanyCaller, db: Session) -> PartConfirmed:
    """Confirm the caller's part of a consortium."""
    consortium = await _answered(db, consortium_id, part_id, caller.company_id, PartState.CONFIRMED)
    return said(db, PartConfirmed, consortium)


@write.post("/consortia/{consortium_id}/parts/{part_id}/decline")
async def decline_part(consortium_id: UUID, part_id: UUID, caller: CompanyCaller, db: Session) -> PartDeclined:
    """Decline the caller's part of a consortium."""
    consortium = await _answered(db, consortium_id, part_id, caller.company_id, PartState.DECLINED)
    return said(db, PartDeclined, consortium)


@write.post("/proposals", status_code=201)
async def submit_proposal(draft: ProposalDraft, caller: CompanyCaller, db: Session) -> ProposalSubmitted:
    """Submit a proposal; it will be matched with the regions' needs."""
    companies = [caller.company_id]
    if draft.consortium_id:
        companies = await _closed_consortium(db, draft.consortium_id, caller.company_id)
    proposal = ProposalSubmitted(
        proposal_id=uuid4(),
        version=1,
        lead_id=caller.company_id,
        members=tuple(companies),
        provinces=await _provinces(db, companies, contact=draft.contact_id),
        **draft.model_dump(),
    )
    add_new(db, Proposal, proposal)
    emit(db, proposal)
    return proposal


@write.put("/proposals/{proposal_id}")
async def revise_proposal(
    proposal_id: UUID, draft: ProposalRevision, caller: CompanyCaller, db: Session
) -> ProposalRevised:
    """Revise a submitted proposal, as its lead."""
    proposal = await _own_proposal(db, proposal_id, caller.company_id)
    if proposal.version != draft.version:
        raise conflict(f"The proposal is at version {proposal.version}; read it again before you change it.")
    proposal.sqlmodel_update(draft.model_dump())
    proposal.version += 1
    return said(db, ProposalRevised, proposal)


@write.post("/proposals/{proposal_id}/withdraw")
async def withdraw_proposal(proposal_id: UUID, caller: CompanyCaller, db: Session) -> ProposalWithdrawn:
    """Take a proposal back, as its lead."""
    proposal = await _own_proposal(db, proposal_id, caller.company_id)
    proposal.withdrawn = True
    proposal.version += 1
    return said(db, ProposalWithdrawn, proposal)


@read.get("/consortia/{consortium_id}")
async def get_consortium(consortium_id: UUID, caller: CompanyOrCoordinator, db: Session) -> ConsortiumFacts:
    """A consortium, for its lead, those it asked, and the coordinators of their provinces."""
    consortium = await db.get(Consortium, consortium_id)
    if consortium is None or not await _concerns(db, caller, _companies(consortium)):
        raise not_found("consortium")
    return ConsortiumFacts.model_validate(consortium.model_dump())


@read.get("/proposals")
async def list_proposals(caller: CompanyOrCoordinator, db: Session, page: Page) -> list[ProposalFacts]:
    """The proposals of the caller's company or province, by id; `after` is the last id of the page before."""
    rows = await page.of(db, select(Proposal).where(_visible(caller)), Proposal.proposal_id)
    return [ProposalFacts.model_validate(row.model_dump()) for row in rows]


@read.get("/proposals/{proposal_id}")
async def get_proposal(proposal_id: UUID, caller: CompanyOrCoordinator, db: Session) -> ProposalFacts:
    """A proposal, for its members and the coordinators of their provinces."""
    proposal = await db.scalar(select(Proposal).where(Proposal.proposal_id == proposal_id, _visible(caller)))
    if proposal is None:
        raise not_found("proposal")
    return ProposalFacts.model_validate(proposal.model_dump())


def _visible(caller: Caller) -> ColumnElement[bool]:
    """Who reads which proposals: a company those it takes part in, a coordinator its province's."""
    if caller.role is Role.COMPANY:
        return col(Proposal.members).contains([caller.company_id])
    return shares(Proposal.provinces, caller.provinces)


async def _concerns(db: Db, caller: Caller, companies: set[UUID]) -> bool:
    """Whether the caller's company is one of these, or the caller coordinates one of their provinces."""
    if caller.role is Role.COMPANY:
        return caller.company_id in companies
    mine = select(Company).where(col(Company.company_id).in_(companies), col(Company.province).in_(caller.provinces))
    return bool(await db.scalar(select(mine.exists())))


async def _provinces(db: Db, companies: list[UUID], contact: UUID | None = None) -> list[str]:
    """The provinces of these companies, in their order; the contact, if given, must be the first one's."""
    known = {company: province for company, province in await fetch(db, PROVINCES, companies, contact)}
    if contact and not known:
        raise invalid("body.contact_id", "must be a contact that your registered company has shared")
    if missing := [str(company) for company in companies if company not in known]:
        raise conflict(f"Not registered yet: {', '.join(missing)}. Each company registers itself first.")
    return [known[company] for company in companies]


async def _answered(db: Db, consortium_id: UUID, part_id: UUID, company: UUID, state: PartState) -> Consortium:
    consortium = await db.get(Consortium, consortium_id, with_for_update=True)
    if consortium is None:
        raise not_found("part")
    parts = answer_part(_parts(consortium), part_id, company, state, closed=consortium.closed)
    consortium.parts = _json(parts)
    consortium.version += 1
    return consortium


async def _closed_consortium(db: Db, consortium_id: UUID, lead: UUID) -> list[UUID]:
    """Close a consortium whose parts are all confirmed; its companies, the lead first."""
    consortium = await db.get(Consortium, consortium_id, with_for_update=True)
    if consortium is None or consortium.lead_id != lead:
        raise invalid("body.consortium_id", "must be a consortium that you lead")
    if consortium.closed:
        raise conflict("This consortium has submitted its proposal already.")
    companies = members(lead, _parts(consortium))
    consortium.closed = True
    consortium.version += 1
    said(db, ConsortiumClosed, consortium)
    return companies


async def _own_proposal(db: Db, proposal_id: UUID, company: UUID) -> Proposal:
    """The proposal, locked, if this company leads it and it is not withdrawn."""
    proposal = await db.get(Proposal, proposal_id, with_for_update=True)
    if proposal is None or proposal.lead_id != company:
        raise not_found("proposal")
    if proposal.withdrawn:
        raise conflict("This proposal was withdrawn; submit a new one.")
    return proposal


def _parts(consortium: Consortium) -> list[Part]:
    return [Part.model_validate(part) for part in consortium.parts]


def _json(parts: list[Part]) -> list[dict[str, object]]:
    return [part.model_dump(mode="json") for part in parts]


def _companies(consortium: Consortium) -> set[UUID]:
    return {consortium.lead_id, *(part.company_id for part in _parts(consortium))}
