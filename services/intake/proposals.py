"""Proposals over HTTP: submitted, revised, withdrawn, and what they were before."""

from typing import Annotated, TypeVar
from uuid import UUID, uuid4

from pydantic import AfterValidator, Field, model_validator
from sqlalchemy import ColumnElement
from sqlmodel import col, select

from services.intake.api import provinces_of
from services.intake.consortia import close_consortium
from services.intake.models import Proposal, ProposalVersion
from services.intake.rules import PROPOSAL_LIFE, ProposalState, ProposalStep, check_proposal
from shared.auth import Caller, CompanyOrCoordinator
from shared.auth import Company as CompanyCaller
from shared.auth import CompanyCaller as SignedInCompany
from shared.db import Db, add_new, shares
from shared.events import (
    ProposalFacts,
    ProposalKind,
    ProposalRevised,
    ProposalSubmitted,
    ProposalWithdrawn,
    Teaser,
)
from shared.history import After, Version, history, keep
from shared.http import Draft, Page, Session, commands, queries
from shared.lives import after, check_version
from shared.outbox import emit, said
from shared.problems import not_found
from shared.vocabulary import (
    Body,
    Challenges,
    Currency,
    IntellectualProperty,
    Language,
    Partnership,
    Region,
    Role,
    Short,
    Title,
    Trl,
)

MOST = 2_000_000_000
"""Of a price, in whole units of its currency."""

write = commands()
read = queries()

Word = TypeVar("Word", Language, Partnership, Region)


def _each_once(words: tuple[Word, ...]) -> tuple[Word, ...]:
    return tuple(sorted(set(words)))


Words = Annotated[
    tuple[Word, ...], Field(max_length=20, json_schema_extra={"uniqueItems": True}), AfterValidator(_each_once)
]
"""Each once, in alphabetical order."""


class MaturityDraft(Draft):
    """How far a technology has come, and what shows it."""

    trl: Trl
    evidence: Short | None = None


class PriceDraft(Draft):
    """From what to what it costs, in whole units of the currency."""

    least: Annotated[int, Field(ge=0, le=MOST)]
    most: Annotated[int, Field(ge=0, le=MOST)]
    currency: Currency

    @model_validator(mode="after")
    def _is_a_range(self) -> "PriceDraft":
        if self.least > self.most:
            raise ValueError("`least` must not be more than `most`")
        return self


class Offer(Draft):
    """What a proposal says, and may be said anew."""

    title: Title
    body: Body
    language: Language
    challenges: Challenges
    teaser: Teaser = Teaser.TITLE
    summary: Short | None = None
    maturity: MaturityDraft | None = None
    intellectual_property: IntellectualProperty | None = None
    partnerships: Words[Partnership] = ()
    scale: Short | None = None
    price: PriceDraft | None = None
    working_languages: Words[Language] = ()
    regions: Words[Region] = ()


class ProposalDraft(Offer):
    """A proposal or an expression of interest, alone or for a consortium whose lead the caller is."""

    contact_id: UUID
    kind: ProposalKind = ProposalKind.PROPOSAL
    consortium_id: UUID | None = None
    without_open_parts: bool = False
    """Whether the consortium's parts that are not confirmed are left out."""


class ProposalRevision(Offer):
    """A proposal's new text. `version` is the one that the caller has read; a contact that is left out stays."""

    version: int
    contact_id: UUID | None = None


@write.post("/proposals", status_code=201)
async def submit_proposal(draft: ProposalDraft, caller: CompanyCaller, db: Session) -> ProposalSubmitted:
    """Submit a proposal; it will be matched with the regions' needs."""
    return await put_forward(db, caller, uuid4(), draft)


@write.put("/proposals/{proposal_id}")
async def revise_proposal(
    proposal_id: UUID, draft: ProposalRevision, caller: CompanyOrCoordinator, db: Session
) -> ProposalRevised:
    """Revise a submitted proposal, as its lead or the coordinator of the lead's province."""
    proposal = await _written(db, proposal_id, caller, ProposalStep.REVISE)
    check_version("proposal", proposal.version, draft.version)
    check_proposal(ProposalKind(proposal.kind), draft.teaser, draft.summary, proposal.consortium_id)
    # A company may have moved: whoever coordinates where it is now goes on with its proposal.
    proposal.provinces = await provinces_of(db, proposal.members, draft.contact_id)
    proposal.sqlmodel_update(draft.model_dump(mode="json", exclude={"contact_id"}))
    proposal.contact_id = draft.contact_id or proposal.contact_id
    proposal.version += 1
    return keep(db, ProposalVersion, said(db, ProposalRevised, proposal), caller.side)


@write.post("/proposals/{proposal_id}/withdraw")
async def withdraw_proposal(proposal_id: UUID, caller: CompanyOrCoordinator, db: Session) -> ProposalWithdrawn:
    """Take a proposal back, as its lead or the coordinator of the lead's province."""
    proposal = await _written(db, proposal_id, caller, ProposalStep.WITHDRAW)
    proposal.withdrawn = True
    proposal.version += 1
    return keep(db, ProposalVersion, said(db, ProposalWithdrawn, proposal), caller.side)


@read.get("/proposals")
async def list_proposals(caller: CompanyOrCoordinator, db: Session, page: Page) -> list[ProposalFacts]:
    """The proposals of the caller's company or province, by id; `after` is the last id of the page before."""
    rows = await page.of(db, select(Proposal).where(_visible(caller)), Proposal.proposal_id)
    return [ProposalFacts.model_validate(row.model_dump()) for row in rows]


@read.get("/proposals/{proposal_id}")
async def get_proposal(proposal_id: UUID, caller: CompanyOrCoordinator, db: Session) -> ProposalFacts:
    """A proposal, for its members and the coordinators of their provinces."""
    return ProposalFacts.model_validate((await _read(db, proposal_id, caller)).model_dump())


@read.get("/proposals/{proposal_id}/history")
async def get_history(proposal_id: UUID, caller: CompanyOrCoordinator, db: Session, after: After = 0) -> list[Version]:
    """What a proposal said in each version, the first one first, for whoever reads the proposal."""
    await _read(db, proposal_id, caller)
    return await history(db, ProposalVersion, proposal_id, after)


async def put_forward(db: Db, caller: SignedInCompany, proposal_id: UUID, draft: ProposalDraft) -> ProposalSubmitted:
    """Make a proposal of what is complete."""
    check_proposal(draft.kind, draft.teaser, draft.summary, draft.consortium_id)
    companies = [caller.company_id]
    if draft.consortium_id:
        leave_out = draft.without_open_parts
        companies = await close_consortium(db, draft.consortium_id, caller.company_id, without_open_parts=leave_out)
    proposal = ProposalSubmitted(
        proposal_id=proposal_id,
        version=1,
        lead_id=caller.company_id,
        members=tuple(companies),
        provinces=await provinces_of(db, companies, contact=draft.contact_id),
        **draft.model_dump(),
    )
    add_new(db, Proposal, proposal)
    emit(db, proposal)
    return keep(db, ProposalVersion, proposal, caller.side)


def state_of(proposal: Proposal) -> ProposalState:
    """Where a proposal stands that was put forward."""
    return ProposalState.WITHDRAWN if proposal.withdrawn else ProposalState.SUBMITTED


async def _written(db: Db, proposal_id: UUID, caller: Caller, step: ProposalStep) -> Proposal:
    """The proposal, locked, if the caller writes it and this step is possible."""
    proposal = await db.get(Proposal, proposal_id, with_for_update=True)
    if proposal is None or not (proposal.lead_id == caller.company_id or proposal.provinces[0] in caller.writes_for):
        raise not_found("proposal")
    after(PROPOSAL_LIFE, "proposal", state_of(proposal), step)
    return proposal


async def _read(db: Db, proposal_id: UUID, caller: Caller) -> Proposal:
    proposal = await db.scalar(select(Proposal).where(Proposal.proposal_id == proposal_id, _visible(caller)))
    if proposal is None:
        raise not_found("proposal")
    return proposal


def _visible(caller: Caller) -> ColumnElement[bool]:
    """Who reads which proposals: a company those it takes part in, a coordinator its province's."""
    if caller.role is Role.COMPANY:
        return col(Proposal.members).contains([caller.company_id])
    return shares(Proposal.provinces, caller.provinces)
