"""Drafts of proposals over HTTP: nobody's business but their company's until they are submitted."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import BaseModel
from sqlmodel import select

from services.intake.models import Proposal
from services.intake.models import ProposalDraft as Row
from services.intake.proposals import ProposalDraft, put_forward, state_of
from services.intake.rules import PROPOSAL_LIFE, ProposalStep
from shared.auth import Company as CompanyCaller
from shared.db import Db
from shared.drafts import completed, partial
from shared.events import ProposalSubmitted
from shared.http import Draft, Page, Session, commands, queries
from shared.lives import after, check_version
from shared.problems import not_found

if TYPE_CHECKING:
    Unfinished = ProposalDraft
else:
    Unfinished = partial(ProposalDraft)

write = commands()
read = queries()


class DraftRevision(Unfinished):
    """A draft's new content, whole. `version` is the one that the caller has read."""

    version: int


class DraftRead(Draft):
    """Which version of a draft the caller has read."""

    version: int


class DraftShown(BaseModel):
    """A draft: the fields that have been filled in."""

    draft_id: UUID
    version: int
    content: dict[str, Any]


@write.post("/proposal-drafts", status_code=201)
async def begin_draft(draft: Unfinished, caller: CompanyCaller, db: Session) -> DraftShown:
    """Begin a proposal; any field may be left out."""
    row = Row(company_id=caller.company_id, content=_content(draft))
    db.add(row)
    return _shown(row)


@write.put("/proposal-drafts/{draft_id}")
async def edit_draft(draft_id: UUID, draft: DraftRevision, caller: CompanyCaller, db: Session) -> DraftShown:
    """Replace a draft's content, whole."""
    row = await _locked(db, draft_id, caller.company_id, ProposalStep.EDIT, draft.version)
    row.content = _content(draft)
    row.version += 1
    return _shown(row)


@write.post("/proposal-drafts/{draft_id}/submit")
async def submit_draft(draft_id: UUID, draft: DraftRead, caller: CompanyCaller, db: Session) -> ProposalSubmitted:
    """Submit a draft, if nothing is missing; the proposal has the draft's id."""
    row = await _locked(db, draft_id, caller.company_id, ProposalStep.SUBMIT, draft.version)
    await db.delete(row)
    return await put_forward(db, caller, draft_id, completed(ProposalDraft, row.content))


@write.post("/proposal-drafts/{draft_id}/discard")
async def discard_draft(draft_id: UUID, draft: DraftRead, caller: CompanyCaller, db: Session) -> DraftShown:
    """Throw a draft away; what it was is the answer."""
    row = await _locked(db, draft_id, caller.company_id, ProposalStep.DISCARD, draft.version)
    await db.delete(row)
    return _shown(row)


@read.get("/proposal-drafts")
async def list_drafts(caller: CompanyCaller, db: Session, page: Page) -> list[DraftShown]:
    """The drafts of the caller's company, by id; `after` is the last id of the page before."""
    rows = await page.of(db, select(Row).where(Row.company_id == caller.company_id), Row.draft_id)
    return [_shown(row) for row in rows]


@read.get("/proposal-drafts/{draft_id}")
async def get_draft(draft_id: UUID, caller: CompanyCaller, db: Session) -> DraftShown:
    """A draft of the caller's company."""
    row = await db.get(Row, draft_id)
    if row is None or row.company_id != caller.company_id:
        raise not_found("draft")
    return _shown(row)


async def _locked(db: Db, draft_id: UUID, company: UUID, step: ProposalStep, version: int) -> Row:
    """The company's draft, locked, at the version that was read; if it was submitted, a 409 says what it is now."""
    row = await db.get(Row, draft_id, with_for_update=True)
    if row and row.company_id == company:
        check_version("draft", row.version, version)
        return row
    proposal = await db.get(Proposal, draft_id)
    if proposal and proposal.lead_id == company:
        after(PROPOSAL_LIFE, "proposal", state_of(proposal), step)
    raise not_found("draft")


def _content(draft: Unfinished) -> dict[str, Any]:
    return draft.model_dump(mode="json", exclude_none=True, exclude={"version"})


def _shown(row: Row) -> DraftShown:
    return DraftShown.model_validate(row.model_dump())
