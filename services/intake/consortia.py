"""Consortia over HTTP: a lead describes the puzzle, the companies it asks answer."""

from collections.abc import Iterable, Sequence
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import ColumnElement, exists, literal_column, or_, update
from sqlmodel import col, func, select

from services.intake.api import provinces_of
from services.intake.models import Company, Consortium, Invitation
from services.intake.puzzle import (
    CONSORTIUM_LIFE,
    ConsortiumState,
    ConsortiumStep,
    InvitationState,
    PartState,
    PartStep,
    Piece,
    Wish,
    answered,
    check_owners,
    confirmed,
    revised,
)
from shared.auth import Caller, CompanyOrCoordinator
from shared.auth import Company as CompanyCaller
from shared.db import Db
from shared.events import (
    ConsortiumClosed,
    ConsortiumFacts,
    ConsortiumOpened,
    ConsortiumRevised,
    Part,
    PartConfirmed,
    PartDeclined,
    WantedPart,
)
from shared.http import Draft, Page, Session, commands, queries
from shared.lives import after, check_version
from shared.outbox import said
from shared.problems import invalid, not_found
from shared.vocabulary import Role, Title

write = commands()
read = queries()


class PartDraft(Draft):
    """A part of the puzzle, and who is asked to bring it; nobody yet, if no company is named."""

    title: Title
    company_id: UUID | None = None


class PartRevision(PartDraft):
    """A part as the lead would have it; one with a `part_id` is there already."""

    part_id: UUID | None = None


class ConsortiumDraft(Draft):
    """The puzzle, as its lead describes it, and whom at the lead's to tell."""

    title: Title
    parts: Annotated[tuple[PartDraft, ...], Field(min_length=1, max_length=10)]
    contact_id: UUID | None = None


class ConsortiumRevision(Draft):
    """The puzzle, whole, as its lead would have it; a contact that is left out stays. `version` is what was read."""

    version: int
    title: Title
    parts: Annotated[tuple[PartRevision, ...], Field(min_length=1, max_length=10)]
    contact_id: UUID | None = None


@write.post("/consortia", status_code=201)
async def open_consortium(draft: ConsortiumDraft, caller: CompanyCaller, db: Session) -> ConsortiumOpened:
    """Open a consortium, as its lead: describe the other parts, and name companies to bring them or look for some."""
    pieces = revised([], [Wish(None, part.title, part.company_id) for part in draft.parts])
    await _check(db, caller.company_id, pieces, draft.contact_id)
    consortium = Consortium(title=draft.title, lead_id=caller.company_id, parts=[], wanted=[], version=0)
    consortium.contact_id = draft.contact_id
    have(consortium, pieces)
    db.add(consortium)
    return said(db, ConsortiumOpened, consortium)


@write.put("/consortia/{consortium_id}")
async def revise_consortium(
    consortium_id: UUID, draft: ConsortiumRevision, caller: CompanyCaller, db: Session
) -> ConsortiumRevised:
    """Add parts, drop those that nobody has confirmed, ask others for those that were declined, as the lead."""
    consortium = await led(db, consortium_id, caller.company_id, ConsortiumStep.REVISE)
    check_version("consortium", consortium.version, draft.version)
    before = pieces_of(consortium)
    pieces = revised(before, [Wish(part.part_id, part.title, part.company_id) for part in draft.parts])
    await _check(db, caller.company_id, pieces, draft.contact_id)
    await end_invitations(db, consortium, [piece.part_id for piece in before if piece not in pieces])
    consortium.title, consortium.contact_id = draft.title, draft.contact_id or consortium.contact_id
    have(consortium, pieces)
    return said(db, ConsortiumRevised, consortium)


@write.post("/consortia/{consortium_id}/parts/{part_id}/confirm")
async def confirm_part(consortium_id: UUID, part_id: UUID, caller: CompanyCaller, db: Session) -> PartConfirmed:
    """Confirm the caller's part of a consortium."""
    consortium = await _answered(db, consortium_id, part_id, caller.company_id, PartStep.CONFIRM)
    return said(db, PartConfirmed, consortium)


@write.post("/consortia/{consortium_id}/parts/{part_id}/decline")
async def decline_part(consortium_id: UUID, part_id: UUID, caller: CompanyCaller, db: Session) -> PartDeclined:
    """Decline the caller's part of a consortium."""
    consortium = await _answered(db, consortium_id, part_id, caller.company_id, PartStep.DECLINE)
    return said(db, PartDeclined, consortium)


@read.get("/consortia")
async def list_consortia(caller: CompanyOrCoordinator, db: Session, page: Page) -> list[ConsortiumFacts]:
    """The consortia that the caller's company leads or was asked to join, or those of its provinces' companies."""
    rows = await page.of(db, select(Consortium).where(_visible(caller)), Consortium.consortium_id)
    return [ConsortiumFacts.model_validate(row.model_dump()) for row in rows]


@read.get("/consortia/{consortium_id}")
async def get_consortium(consortium_id: UUID, caller: CompanyOrCoordinator, db: Session) -> ConsortiumFacts:
    """A consortium, for its lead, those it asked, and the coordinators of their provinces."""
    query = select(Consortium).where(Consortium.consortium_id == consortium_id, _visible(caller))
    consortium = await db.scalar(query)
    if consortium is None:
        raise not_found("consortium")
    return ConsortiumFacts.model_validate(consortium.model_dump())


async def locked(db: Db, consortium_id: UUID) -> Consortium | None:
    """A consortium that nobody else changes until this transaction ends, nor its invitations."""
    return await db.get(Consortium, consortium_id, with_for_update=True)


async def led(db: Db, consortium_id: UUID, lead: UUID, step: ConsortiumStep) -> Consortium:
    """The consortium, locked, if this company leads it and this step is possible."""
    consortium = await locked(db, consortium_id)
    if consortium is None or consortium.lead_id != lead:
        raise not_found("consortium")
    check_step(consortium, step)
    return consortium


def check_step(consortium: Consortium, step: ConsortiumStep) -> None:
    """Whether this can be done with it now; if not, a 409."""
    state = ConsortiumState.CLOSED if consortium.closed else ConsortiumState.OPEN
    after(CONSORTIUM_LIFE, "consortium", state, step)


def pieces_of(consortium: Consortium) -> list[Piece]:
    """The parts, those that were asked for first."""
    asked = [Part.model_validate(part) for part in consortium.parts]
    wanted = [WantedPart.model_validate(part) for part in consortium.wanted]
    return [
        *(Piece(part.part_id, part.title, part.company_id, PartState(part.state)) for part in asked),
        *(Piece(part.part_id, part.title, None, PartState.WANTED) for part in wanted),
    ]


def have(consortium: Consortium, pieces: Iterable[Piece]) -> None:
    """Give it these parts, as its next version."""
    asked = [Part.model_validate(vars(piece)) for piece in pieces if piece.company_id]
    wanted = [WantedPart.model_validate(vars(piece)) for piece in pieces if not piece.company_id]
    consortium.parts = [part.model_dump(mode="json") for part in asked]
    consortium.wanted = [part.model_dump(mode="json") for part in wanted]
    consortium.version += 1


async def end_invitations(db: Db, consortium: Consortium, parts: Iterable[UUID]) -> None:
    """Nobody answers for these parts any more by an invitation that was sent before."""
    await db.execute(
        update(Invitation)
        .where(
            col(Invitation.consortium_id) == consortium.consortium_id,
            col(Invitation.part_id).in_(parts),
            col(Invitation.state) == InvitationState.OPEN,
        )
        .values(state=InvitationState.ENDED)
    )


async def close_consortium(db: Db, consortium_id: UUID, lead: UUID, *, without_open_parts: bool) -> list[UUID]:
    """Close a consortium with its confirmed parts; its companies, the lead first."""
    consortium = await locked(db, consortium_id)
    if consortium is None or consortium.lead_id != lead:
        raise invalid("body.consortium_id", "must be a consortium that you lead")
    check_step(consortium, ConsortiumStep.SUBMIT)
    before = pieces_of(consortium)
    pieces = confirmed(before, without_open_parts=without_open_parts)
    await end_invitations(db, consortium, [piece.part_id for piece in before if piece not in pieces])
    have(consortium, pieces)
    consortium.closed = True
    said(db, ConsortiumClosed, consortium)
    return [lead, *(piece.company_id for piece in pieces if piece.company_id)]


async def _answered(db: Db, consortium_id: UUID, part_id: UUID, company: UUID, step: PartStep) -> Consortium:
    consortium = await locked(db, consortium_id)
    if consortium is None:
        raise not_found("part")
    pieces = answered(pieces_of(consortium), part_id, company, step)
    check_step(consortium, ConsortiumStep.ANSWER)
    have(consortium, pieces)
    return consortium


async def _check(db: Db, lead: UUID, pieces: Sequence[Piece], contact: UUID | None) -> None:
    """Whoever is named is registered, is named once, and the contact is the lead's."""
    owners = [piece.company_id for piece in pieces if piece.company_id]
    check_owners(lead, owners)
    await provinces_of(db, [lead, *owners], contact)


def _visible(caller: Caller) -> ColumnElement[bool]:
    """Who reads which consortia: a company those it leads or was asked to join, a coordinator its province's."""
    if caller.role is Role.COMPANY:
        asked = col(Consortium.parts).contains([{"company_id": str(caller.company_id)}])
        return or_(col(Consortium.lead_id) == caller.company_id, asked)
    company = func.jsonb_build_object(literal_column("'company_id'"), Company.company_id)
    asked = col(Consortium.parts).contains(func.jsonb_build_array(company))
    takes_part = or_(col(Consortium.lead_id) == col(Company.company_id), asked)
    return exists().where(takes_part, col(Company.province).in_(caller.provinces))
