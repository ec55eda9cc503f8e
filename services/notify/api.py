"""Notify over HTTP: which mails a match has led to. No addresses, no texts."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel
from sqlmodel import col, select

from services.notify.models import Delivery, MatchCopy
from services.notify.rules import DeliveryState, Party, Template
from shared.auth import CoordinatorOrOperator
from shared.db import shares
from shared.http import Session, queries
from shared.problems import not_found

read = queries()


class DeliveryView(BaseModel):
    """A mail, and how far it has come."""

    delivery_id: UUID
    match_id: UUID
    """Whose step called for it."""
    template: Template
    party: Party
    state: DeliveryState
    next_try: datetime
    """For what is queued: not before then; a digest's moment, if it waits for one."""
    tries: int
    error: str | None


@read.get("/matches/{match_id}/deliveries")
async def list_deliveries(match_id: UUID, caller: CoordinatorOrOperator, db: Session) -> list[DeliveryView]:
    """The mails of a match, for the coordinators of its provinces and for operators."""
    mine = select(MatchCopy).where(MatchCopy.match_id == match_id, shares(MatchCopy.provinces, caller.provinces))
    if await db.scalar(mine) is None:
        raise not_found("match")
    query = select(Delivery).where(Delivery.match_id == match_id).order_by(col(Delivery.delivery_id))
    return [DeliveryView.model_validate(row.model_dump()) for row in (await db.scalars(query)).all()]
