"""Invitations over HTTP: somebody is asked by mail to bring a wanted part, and answers with the token it was sent.

The token is told to notify alone and kept here as its hash: who reads this database cannot answer for anybody.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel
from sqlmodel import func, select

from services.intake.api import provinces_of
from services.intake.consortia import check_step, end_invitations, have, led, locked, pieces_of
from services.intake.models import Company, Consortium, Invitation
from services.intake.puzzle import (
    ConsortiumStep,
    InvitationState,
    PartStep,
    answer_invitation,
    sought,
    standing,
    taken,
)
from shared.auth import Company as CompanyCaller
from shared.contacts import Mail
from shared.db import Db
from shared.events import ConsortiumRevised, InvitationIssued, PartConfirmed, PartDeclined
from shared.http import Draft, Page, Session, commands, queries
from shared.outbox import emit, said
from shared.problems import not_found
from shared.settings import Invitations
from shared.vocabulary import Language, storable, trimmed

write = commands()
read = queries()


class InvitationDraft(Draft):
    """Whom to write to, in which language."""

    mail: Mail
    language: Language


class Answer(Draft):
    """The token of an invitation."""

    token: Annotated[str, trimmed(100), storable]


class InvitationShown(BaseModel):
    """An invitation, as its lead sees it: without address and token."""

    invitation_id: UUID
    part_id: UUID
    expires_at: datetime
    state: InvitationState


class Asked(BaseModel):
    """What an invitation asks for."""

    consortium: str
    part: str
    lead: str
    expires_at: datetime


@write.post("/consortia/{consortium_id}/parts/{part_id}/invitations", status_code=201)
async def invite(
    consortium_id: UUID, part_id: UUID, draft: InvitationDraft, caller: CompanyCaller, db: Session
) -> InvitationShown:
    """Invite somebody by mail to bring a wanted part, or one that was declined; an older invitation to it ends."""
    consortium = await led(db, consortium_id, caller.company_id, ConsortiumStep.INVITE)
    before = pieces_of(consortium)
    pieces = sought(before, part_id)
    await end_invitations(db, consortium, [part_id])
    if pieces != before:
        have(consortium, pieces)
        said(db, ConsortiumRevised, consortium)
    return await _issued(db, consortium, part_id, draft)


@read.get("/consortia/{consortium_id}/invitations")
async def list_invitations(
    consortium_id: UUID, caller: CompanyCaller, db: Session, page: Page
) -> list[InvitationShown]:
    """The invitations to a consortium's parts, for its lead, by id; `after` is the last id of the page before."""
    consortium = await db.get(Consortium, consortium_id)
    if consortium is None or consortium.lead_id != caller.company_id:
        raise not_found("consortium")
    query = select(Invitation).where(Invitation.consortium_id == consortium_id)
    now = await _now(db)
    return [_shown(row, now) for row in await page.of(db, query, Invitation.invitation_id)]


@read.post("/invitations/look")
async def look(answer: Answer, caller: CompanyCaller, db: Session) -> Asked:
    """What the invitation asks for; a token in a URL would be kept in logs, so that it is in the body."""
    invitation = await _with(db, answer.token)
    answer_invitation(
        standing(InvitationState(invitation.state), invitation.expires_at, await _now(db)), PartStep.CONFIRM
    )
    consortium = await db.get_one(Consortium, invitation.consortium_id)
    return Asked(expires_at=invitation.expires_at, **await _words(db, consortium, invitation.part_id))


@write.post("/invitations/confirm")
async def confirm_invitation(answer: Answer, caller: CompanyCaller, db: Session) -> PartConfirmed:
    """Bring the part that the invitation asks for, as the caller's registered company."""
    consortium, invitation = await _answered(db, answer.token, caller.company_id, PartStep.CONFIRM)
    have(consortium, taken(pieces_of(consortium), consortium.lead_id, invitation.part_id, caller.company_id))
    return said(db, PartConfirmed, consortium)


@write.post("/invitations/decline")
async def decline_invitation(answer: Answer, caller: CompanyCaller, db: Session) -> PartDeclined:
    """Say no to an invitation; the part goes on looking for somebody."""
    consortium, _ = await _answered(db, answer.token, caller.company_id, PartStep.DECLINE)
    have(consortium, pieces_of(consortium))
    return said(db, PartDeclined, consortium)


async def _issued(db: Db, consortium: Consortium, part_id: UUID, draft: InvitationDraft) -> InvitationShown:
    token, now = secrets.token_urlsafe(32), await _now(db)
    invitation = Invitation(
        consortium_id=consortium.consortium_id,
        part_id=part_id,
        token_hash=_hash(token),
        expires_at=now + timedelta(days=Invitations().days),
        state=InvitationState.OPEN,
    )
    db.add(invitation)
    words = await _words(db, consortium, part_id)
    told = invitation.model_dump() | words | draft.model_dump() | {"token": token, "version": 1}
    emit(db, InvitationIssued.model_validate(told))
    return _shown(invitation, now)


async def _answered(db: Db, token: str, company: UUID, step: PartStep) -> tuple[Consortium, Invitation]:
    """The invitation, answered, and its consortium, whose lock keeps everybody else from answering it too."""
    invitation = await _with(db, token)
    await provinces_of(db, [company])
    consortium = await locked(db, invitation.consortium_id)
    assert consortium
    await db.refresh(invitation)
    now = standing(InvitationState(invitation.state), invitation.expires_at, await _now(db))
    invitation.state, invitation.company_id = answer_invitation(now, step), company
    check_step(consortium, ConsortiumStep.ANSWER)
    return consortium, invitation


async def _with(db: Db, token: str) -> Invitation:
    invitation = await db.scalar(select(Invitation).where(Invitation.token_hash == _hash(token)))
    if invitation is None:
        raise not_found("invitation")
    return invitation


async def _words(db: Db, consortium: Consortium, part_id: UUID) -> dict[str, str]:
    """What is asked for and by whom, in words."""
    lead = await db.get_one(Company, consortium.lead_id)
    part = next(piece.title for piece in pieces_of(consortium) if piece.part_id == part_id)
    return {"consortium": consortium.title, "part": part, "lead": lead.name}


async def _now(db: Db) -> datetime:
    return (await db.scalars(select(func.now()))).one()


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _shown(invitation: Invitation, now: datetime) -> InvitationShown:
    state = standing(InvitationState(invitation.state), invitation.expires_at, now)
    return InvitationShown.model_validate(invitation.model_dump() | {"state": state})
