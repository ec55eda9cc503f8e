"""Notify over HTTP: which mails a match has led to. No addresses, no texts."""

from uuid import UUID

from pydantic import BaseModel
from sqlmodel import col, select

from services.notify.models import Delivery
from services.notify.rules import DeliveryState, Party, Template
from shared.auth import CurrentCaller
from shared.http import Session, queries
from shared.problems import Problem
from shared.vocabulary import Role

read = queries()


class DeliveryView(BaseModel):
    """A mail, and how far it has come."""

    delivery_id: UUID
    match_id: UUID
    template: Template
    party: Party
    state: DeliveryState
    tries: int
    error: str | None


@read.get("/matches/{match_id}/deliveries")
async def list_deliveries(match_id: UUID, caller: CurrentCaller, db: Session) -> list[DeliveryView]:
    """The mails of a match, for coordinators and operators."""
    if caller.role not in (Role.COORDINATOR, Role.OPERATOR):
        raise Problem(403, "Not allowed", "Only a coordinator or an operator may do this.")
    query = select(Delivery).where(Delivery.match_id == match_id).order_by(col(Delivery.delivery_id))
    return [DeliveryView.model_validate(row.model_dump()) for row in (await db.scalars(query)).all()]
