"""What notify holds about a person: its copies of the contacts that the person has shared, and the mails to them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import col, select

from services.notify.models import Contact, Delivery, NeedCopy, ProposalCopy
from services.notify.rules import Party
from shared.db import Db
from shared.held import Rows


async def copies(db: Db, subject: str) -> Rows:
    """The copies of a subject's contacts, and the mails to them. Of who was erased nothing is left to be found by."""
    shared = select(Contact).where(Contact.subject == subject).order_by(col(Contact.contact_id))
    contacts = (await db.scalars(shared)).all()
    mine = _to([contact.contact_id for contact in contacts])
    mails = select(Delivery).where(mine).order_by(col(Delivery.delivery_id))
    return {
        "contacts": [contact.model_dump(exclude={"subject", "token", "erased"}) for contact in contacts],
        "deliveries": [delivery.model_dump(exclude={"traceparent"}) for delivery in await db.scalars(mails)],
    }


def _to(contacts: Sequence[UUID]) -> ColumnElement[bool]:
    """Whether a mail goes to one of these."""
    needs = select(NeedCopy.need_id).where(col(NeedCopy.contact_id).in_(contacts))
    proposals = select(ProposalCopy.proposal_id).where(col(ProposalCopy.contact_id).in_(contacts))
    return or_(
        col(Delivery.contact_id).in_(contacts),
        and_(col(Delivery.party) == Party.NEED, col(Delivery.need_id).in_(needs)),
        and_(col(Delivery.party) == Party.PROPOSAL, col(Delivery.proposal_id).in_(proposals)),
    )
