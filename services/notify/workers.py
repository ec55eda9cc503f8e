"""The mail worker: sends what is queued once all it needs has arrived, and says when both parties know each other."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import aliased
from sqlmodel import col, func

from services.notify.mail import render, send
from services.notify.models import Contact, Delivery, MatchCopy, NeedCopy, ProposalCopy, now_plus
from services.notify.rules import DeliveryState, Party, Template, wait
from shared import audit
from shared.db import Db, Sessions
from shared.events import IntroductionFailed, IntroductionMade
from shared.outbox import emit
from shared.settings import Mail
from shared.telemetry import failed, step

NeedContact, ProposalContact = aliased(Contact), aliased(Contact)


def due() -> Any:
    """The mail that has waited longest, with all it is made of: what has not arrived yet makes it wait."""
    return (
        select(Delivery, MatchCopy, NeedCopy, ProposalCopy, NeedContact, ProposalContact)
        .join(MatchCopy, col(MatchCopy.match_id) == Delivery.match_id)
        .join(NeedCopy, col(NeedCopy.need_id) == MatchCopy.need_id)
        .join(ProposalCopy, col(ProposalCopy.proposal_id) == MatchCopy.proposal_id)
        .join(NeedContact, col(NeedContact.contact_id) == NeedCopy.contact_id)
        .join(ProposalContact, col(ProposalContact.contact_id) == ProposalCopy.contact_id)
        .where(col(Delivery.state) == DeliveryState.QUEUED, col(Delivery.next_try) <= func.now())
        .order_by(col(Delivery.next_try), col(Delivery.delivery_id))
        .limit(1)
        # The match too, so that one match's mails are sent one after the other and the last one knows it is the last.
        .with_for_update(of=[Delivery, MatchCopy], skip_locked=True)
    )


async def send_next(sessions: Sessions) -> bool:
    """Send one mail, if one is due. A crash between the server's yes and our commit sends it once more."""
    async with sessions() as db:
        row = (await db.execute(due())).first()
        if row is None:
            return False
        delivery: Delivery = row[0]
        ids = {name: str(value) for name, value in _ids(row[1]).items()} | {"delivery_id": str(delivery.delivery_id)}
        with step(f"mail {delivery.template}", delivery.traceparent, **ids) as span:
            try:
                await _deliver(db, *row)
            except Exception as error:  # of whatever kind: a mail that cannot be made holds up no other
                failed(span, error)
                delivery.tries += 1
                delivery.next_try = now_plus(wait(delivery.tries))
                delivery.error = type(error).__name__
        await db.commit()
    return True


async def _deliver(
    db: Db,
    delivery: Delivery,
    match: MatchCopy,
    need: NeedCopy,
    proposal: ProposalCopy,
    need_contact: Contact,
    proposal_contact: Contact,
) -> None:
    to, other = need_contact, proposal_contact
    if delivery.party == Party.PROPOSAL:
        to, other = other, to
    introduction = delivery.template == Template.INTRODUCTION
    if to.erased or (introduction and other.erased):
        await _cancel(db, delivery, match)
        return
    settings = Mail()
    await send(render(delivery, match, need, proposal, to, other, settings), settings)
    delivery.state, delivery.error = DeliveryState.SENT, None
    if introduction:
        shown = [("Match", str(match.match_id)), ("Contact", str(other.contact_id))]
        audit.record(db, "notify", f"mail {delivery.template}", shown, request=str(delivery.delivery_id))
    if introduction and not await _queued(db, delivery):
        emit(db, IntroductionMade(version=1, **_ids(match)))


async def _cancel(db: Db, delivery: Delivery, match: MatchCopy) -> None:
    """Whoever is to be written to, or about, wants to be forgotten: an introduction ends here for both."""
    ending = [delivery]
    if delivery.template == Template.INTRODUCTION:
        ending += await _queued(db, delivery)
        emit(db, IntroductionFailed(version=1, reason="a contact was erased", **_ids(match)))
    for each in ending:
        each.state = DeliveryState.CANCELLED


async def _queued(db: Db, delivery: Delivery) -> Sequence[Delivery]:
    """The other mails of this match and kind that are still to be sent."""
    query = select(Delivery).where(
        col(Delivery.match_id) == delivery.match_id,
        col(Delivery.template) == delivery.template,
        col(Delivery.state) == DeliveryState.QUEUED,
        col(Delivery.delivery_id) != delivery.delivery_id,
    )
    return (await db.scalars(query)).all()


def _ids(match: MatchCopy) -> dict[str, UUID]:
    return {"match_id": match.match_id, "need_id": match.need_id, "proposal_id": match.proposal_id}
