"""Notify listens: it keeps what mail is made of, and queues the mails that a match's steps call for."""

from collections.abc import Sequence

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select, update

from services.notify.models import Contact, Delivery, MatchCopy, NeedCopy, ProposalCopy
from services.notify.rules import DeliveryState, Party, Template, delivery_id
from shared.bus import Handlers
from shared.db import Db, newest_wins
from shared.events import (
    ContactErased,
    ContactEvent,
    ContactShared,
    MatchAccepted,
    MatchDeclined,
    MatchEvent,
    MatchFacts,
    MatchFound,
    MatchIntroduced,
    MatchPresented,
    MatchRetracted,
    MatchRevised,
    NeedClosed,
    NeedEvent,
    NeedPosted,
    NeedRevised,
    ProposalEvent,
    ProposalRevised,
    ProposalSubmitted,
    ProposalWithdrawn,
)
from shared.telemetry import current_traceparent

events = Handlers()


@events.project(NeedPosted, NeedRevised, NeedClosed)
async def keep_needs(batch: Sequence[NeedEvent], db: Db) -> None:
    """Hold the newest state of each need."""
    await newest_wins(db, NeedCopy, batch)


@events.project(ProposalSubmitted, ProposalRevised, ProposalWithdrawn)
async def keep_proposals(batch: Sequence[ProposalEvent], db: Db) -> None:
    """Hold the newest state of each proposal."""
    await newest_wins(db, ProposalCopy, batch)


@events.project(MatchFound, MatchRevised, MatchRetracted, MatchPresented, MatchAccepted, MatchDeclined, MatchIntroduced)
async def keep_matches(batch: Sequence[MatchEvent], db: Db) -> None:
    """Hold the newest state of each match."""
    await newest_wins(db, MatchCopy, batch)


@events.project(ContactShared, ContactErased)
async def keep_contacts(batch: Sequence[ContactEvent], db: Db) -> None:
    """Hold the people to reach; who was erased stays erased, whatever arrives late."""
    gone = [event.contact_id for event in batch if isinstance(event, ContactErased)]
    known = select(Contact.contact_id).where(col(Contact.erased), col(Contact.contact_id).in_(_ids(batch)))
    erased = {*gone, *(await db.scalars(known))}
    await newest_wins(db, Contact, [event for event in batch if event.contact_id not in erased])
    for contact_id in sorted(set(gone)):
        nothing = {
            "subject": None,
            "organisation": None,
            "name": None,
            "mail": None,
            "phone": None,
            "language": None,
            "erased": True,
        }
        row = insert(Contact).values(contact_id=contact_id, version=0, **nothing)
        await db.execute(row.on_conflict_do_update(index_elements=["contact_id"], set_=nothing))


@events.react(MatchPresented)
async def tell_region(event: MatchPresented, db: Db) -> None:
    """Queue the mail that asks the region for its answer."""
    _queue(db, event, Template.PRESENTED, Party.NEED)


@events.react(MatchAccepted)
async def introduce(event: MatchAccepted, db: Db) -> None:
    """Queue the introduction of both parties."""
    _queue(db, event, Template.INTRODUCTION, Party.NEED)
    _queue(db, event, Template.INTRODUCTION, Party.PROPOSAL)


@events.react(MatchRetracted)
async def drop_unsent(event: MatchRetracted, db: Db) -> None:
    """Drop what has not been sent; an introduction that one party has already is completed."""
    await db.get(MatchCopy, event.match_id, with_for_update=True)
    mine = col(Delivery.match_id) == event.match_id
    begun = select(Delivery).where(
        mine, Delivery.template == Template.INTRODUCTION, Delivery.state == DeliveryState.SENT
    )
    if (await db.scalars(begun)).first() is None:
        await db.execute(
            update(Delivery)
            .where(mine, col(Delivery.state) == DeliveryState.QUEUED)
            .values(state=DeliveryState.CANCELLED)
        )


def _queue(db: Db, event: MatchFacts, template: Template, party: Party) -> None:
    db.add(
        Delivery(
            delivery_id=delivery_id(event.match_id, event.version, template, party),
            match_id=event.match_id,
            template=template,
            party=party,
            state=DeliveryState.QUEUED,
            traceparent=current_traceparent(),
        )
    )


def _ids(batch: Sequence[ContactEvent]) -> list[object]:
    return [event.contact_id for event in batch]
