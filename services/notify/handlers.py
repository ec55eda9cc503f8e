"""Notify listens: it keeps what mail is made of, and queues the mails that events call for."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, func, select, update

from services.notify.models import (
    CompanyCopy,
    ConsortiumCopy,
    Contact,
    Delivery,
    Invitation,
    MatchCopy,
    MeetingCopy,
    Miss,
    NeedCopy,
    ProposalCopy,
    Refusal,
    SuggestionCopy,
)
from services.notify.occasions import coordinators
from services.notify.rules import DeliveryState, Party, Template, called_for, delivery_id, settling
from shared.bus import Handlers
from shared.db import Db, newest_wins
from shared.events import (
    CompanyFacts,
    CompanyRegistered,
    CompanyRevised,
    ConsortiumClosed,
    ConsortiumFacts,
    ConsortiumOpened,
    ConsortiumRevised,
    ConsortiumSuggested,
    ContactErased,
    ContactEvent,
    ContactShared,
    InvitationIssued,
    MatchAccepted,
    MatchDeclined,
    MatchEvent,
    MatchExpired,
    MatchFacts,
    MatchFound,
    MatchIntroduced,
    MatchPresented,
    MatchReminded,
    MatchRetracted,
    MatchRevised,
    MatchShortlisted,
    MatchVetoed,
    NeedClosed,
    NeedEvent,
    NeedPosted,
    NeedRevised,
    NoMatchFound,
    OutcomeReported,
    Part,
    PartConfirmed,
    PartDeclined,
    PartState,
    ProposalEvent,
    ProposalRevised,
    ProposalSubmitted,
    ProposalWithdrawn,
)
from shared.telemetry import current_traceparent

events = Handlers()


@events.project(NeedPosted, NeedRevised, NeedClosed, keeps=[NeedCopy])
async def keep_needs(batch: Sequence[NeedEvent], db: Db) -> None:
    """Hold the newest state of each need."""
    await newest_wins(db, NeedCopy, batch)


@events.project(CompanyRegistered, CompanyRevised, keeps=[CompanyCopy])
async def keep_companies(batch: Sequence[CompanyFacts], db: Db) -> None:
    """Hold the newest state of each company."""
    await newest_wins(db, CompanyCopy, batch)


@events.project(ProposalSubmitted, ProposalRevised, ProposalWithdrawn, keeps=[ProposalCopy])
async def keep_proposals(batch: Sequence[ProposalEvent], db: Db) -> None:
    """Hold the newest state of each proposal."""
    await newest_wins(db, ProposalCopy, batch)


@events.project(
    MatchFound,
    MatchRevised,
    MatchRetracted,
    MatchShortlisted,
    MatchVetoed,
    MatchPresented,
    MatchReminded,
    MatchAccepted,
    MatchDeclined,
    MatchExpired,
    MatchIntroduced,
    OutcomeReported,
    keeps=[MatchCopy, Refusal, MeetingCopy],
)
async def keep_matches(batch: Sequence[MatchEvent], db: Db) -> None:
    """Hold the newest state of each match, and what the newest refusal and the newest meeting say."""
    await newest_wins(db, MatchCopy, batch)
    await newest_wins(db, Refusal, [event for event in batch if isinstance(event, MatchDeclined)])
    told = [event for event in batch if isinstance(event, OutcomeReported) and event.meeting]
    await newest_wins(db, MeetingCopy, told)


@events.project(NoMatchFound, keeps=[Miss])
async def keep_misses(batch: Sequence[NoMatchFound], db: Db) -> None:
    """Hold what came closest to each proposal that has no match."""
    await newest_wins(db, Miss, batch)


@events.project(ConsortiumSuggested, keeps=[SuggestionCopy])
async def keep_suggestions(batch: Sequence[ConsortiumSuggested], db: Db) -> None:
    """Hold who was suggested last for each need."""
    await newest_wins(db, SuggestionCopy, batch)


@events.project(
    ConsortiumOpened, ConsortiumRevised, PartConfirmed, PartDeclined, ConsortiumClosed, keeps=[ConsortiumCopy]
)
async def keep_consortia(batch: Sequence[ConsortiumFacts], db: Db) -> None:
    """Hold the newest state of each consortium."""
    await newest_wins(db, ConsortiumCopy, batch)


@events.project(ContactShared, ContactErased, keeps=[Contact])
async def keep_contacts(batch: Sequence[ContactEvent], db: Db) -> None:
    """Hold the people to reach; who was erased stays erased, whatever arrives late."""
    gone = {event.contact_id for event in batch if isinstance(event, ContactErased)}
    shared = [event for event in batch if isinstance(event, ContactShared)]
    known = select(Contact.contact_id).where(col(Contact.erased), col(Contact.contact_id).in_(_ids(batch)))
    erased = {*gone, *(await db.scalars(known))}
    await newest_wins(db, Contact, [event for event in shared if event.contact_id not in erased])
    for contact_id in sorted(gone):
        await _forget(db, contact_id)


async def _forget(db: Db, contact_id: UUID) -> None:
    """Leave nothing of a person but the id; nobody is invited at that address any more."""
    mail = select(Contact.mail).where(col(Contact.contact_id) == contact_id).scalar_subquery()
    await db.execute(update(Invitation).where(col(Invitation.mail) == mail).values(mail=None, token=None))
    nothing: dict[str, Any] = dict.fromkeys(Contact.model_fields.keys() - {"contact_id", "version"})
    nothing |= {"unsubscribed": False, "erased": True}
    row = insert(Contact).values(contact_id=contact_id, version=0, **nothing)
    await db.execute(row.on_conflict_do_update(index_elements=["contact_id"], set_=nothing))


@events.react(MatchFound, MatchPresented, MatchReminded, MatchAccepted, MatchDeclined, MatchExpired, OutcomeReported)
async def tell_of_match(event: MatchFacts, db: Db) -> None:
    """Queue the mails that this step calls for."""
    about = {"match_id": event.match_id, "need_id": event.need_id, "proposal_id": event.proposal_id}
    for template, party in called_for(event):
        if party is Party.COORDINATOR:
            for each in await coordinators(db, template, event.provinces):
                occasion = (event.match_id, event.version, template, party, each.contact_id)
                await _queue(db, template, party, occasion, contact_id=each.contact_id, **about)
        else:
            await _queue(db, template, party, (event.match_id, event.version, template, party), **about)


@events.react(MatchRetracted)
async def drop_unsent(event: MatchRetracted, db: Db) -> None:
    """Drop what has not been sent; an introduction that one party has already is completed."""
    await db.get(MatchCopy, event.match_id, with_for_update=True)
    mine = col(Delivery.match_id) == event.match_id
    begun = select(Delivery).where(
        mine,
        Delivery.template == Template.INTRODUCTION,
        Delivery.state == DeliveryState.SENT,
        Delivery.party != Party.COORDINATOR,
    )
    if (await db.scalars(begun)).first() is None:
        await _cancel(db, mine)


@events.react(NoMatchFound)
async def tell_of_miss(event: NoMatchFound, db: Db) -> None:
    """Queue the mail that tells a company that nothing fits yet; once for each version of its proposal."""
    occasion = (event.proposal_id, event.version, Template.NO_MATCH)
    await _queue(db, Template.NO_MATCH, Party.PROPOSAL, occasion, proposal_id=event.proposal_id)


@events.react(PartConfirmed, PartDeclined)
async def tell_lead(event: ConsortiumFacts, db: Db) -> None:
    """Queue the mail that tells a lead how its puzzle stands."""
    if event.contact_id:
        occasion = (event.consortium_id, event.version, Template.PART_ANSWERED)
        about = {"consortium_id": event.consortium_id, "contact_id": event.contact_id}
        await _queue(db, Template.PART_ANSWERED, Party.LEAD, occasion, **about)


@events.react(ConsortiumOpened, ConsortiumRevised)
async def ask_companies(event: ConsortiumFacts, db: Db) -> None:
    """Queue a mail to each person of each company that is asked."""
    for part in event.parts:
        if part.state is PartState.OPEN:
            people = select(Contact.contact_id).where(Contact.company_id == part.company_id, ~col(Contact.erased))
            for contact_id in sorted(await db.scalars(people)):
                await _ask(db, event.consortium_id, part, contact_id)


@events.react(ContactShared)
async def ask_who_was_named_late(event: ContactShared, db: Db) -> None:
    """Queue what the company of a new person was asked before: it may be asked before it has named anybody."""
    wanted = {"company_id": str(event.company_id), "state": PartState.OPEN}
    asking = select(ConsortiumCopy).where(~col(ConsortiumCopy.closed), col(ConsortiumCopy.parts).contains([wanted]))
    for consortium in (await db.scalars(asking.order_by(col(ConsortiumCopy.consortium_id)))).all():
        for part in map(Part.model_validate, consortium.parts):
            if part.state is PartState.OPEN and part.company_id == event.company_id:
                await _ask(db, consortium.consortium_id, part, event.contact_id)


async def _ask(db: Db, consortium_id: UUID, part: Part, contact_id: UUID) -> None:
    """Once for what the part is: a company that declined may be asked for it anew when the lead has changed it."""
    about = {"consortium_id": consortium_id, "part_id": part.part_id, "contact_id": contact_id}
    occasion = (consortium_id, part.part_id, part.company_id, part.title, Template.PART_ASKED, contact_id)
    await _queue(db, Template.PART_ASKED, Party.MEMBER, occasion, **about)


@events.react(ConsortiumSuggested)
async def tell_of_suggestion(event: ConsortiumSuggested, db: Db) -> None:
    """Queue a mail to each person of the companies that could do it together, and to the lead's coordinators."""
    people = select(Contact.contact_id).where(col(Contact.company_id).in_(event.members), ~col(Contact.erased))
    for contact_id in sorted(await db.scalars(people)):
        await _suggest(db, Party.MEMBER, event.need_id, event.version, contact_id)
    for each in await coordinators(db, Template.SUGGESTED, event.provinces):
        await _suggest(db, Party.COORDINATOR, event.need_id, event.version, each.contact_id)


@events.react(ContactShared)
async def suggest_to_who_was_named_late(event: ContactShared, db: Db) -> None:
    """Queue what was suggested to the company of a new person: it may be suggested before it has named anybody."""
    if event.company_id:
        held = select(SuggestionCopy).where(col(SuggestionCopy.members).contains([event.company_id]))
        for each in (await db.scalars(held.order_by(col(SuggestionCopy.need_id)))).all():
            await _suggest(db, Party.MEMBER, each.need_id, each.version, event.contact_id)


async def _suggest(db: Db, party: Party, need_id: UUID, version: int, contact_id: UUID) -> None:
    """Once for each suggestion: its version counts those of the need."""
    occasion = (need_id, version, Template.SUGGESTED, contact_id)
    await _queue(db, Template.SUGGESTED, party, occasion, need_id=need_id, contact_id=contact_id)


@events.react(InvitationIssued)
async def invite(event: InvitationIssued, db: Db) -> None:
    """Queue an invitation, once: what it is made of is kept until it has been sent, and is never read again."""
    values = {name: getattr(event, name) for name in Invitation.model_fields}
    await db.execute(insert(Invitation).values(**values).on_conflict_do_nothing())
    occasion = (event.invitation_id, Template.INVITATION)
    await _queue(db, Template.INVITATION, Party.INVITED, occasion, invitation_id=event.invitation_id)


async def _queue(db: Db, template: Template, party: Party, occasion: tuple[object, ...], **about: UUID) -> None:
    """Queue a mail, unless the same occasion has called for it before. It says all that an unsent one would say."""
    mine = delivery_id(*occasion)
    same = [col(getattr(Delivery, name)) == value for name, value in about.items()]
    same += [col(Delivery.template) == template, col(Delivery.party) == party, col(Delivery.delivery_id) != mine]
    await _cancel(db, *same)
    row = insert(Delivery).values(
        delivery_id=mine,
        template=template,
        party=party,
        state=DeliveryState.QUEUED,
        next_try=func.now() + func.make_interval(0, 0, 0, 0, 0, 0, settling(template)),
        traceparent=current_traceparent(),
        **about,
    )
    await db.execute(row.on_conflict_do_nothing())


async def _cancel(db: Db, *which: Any) -> None:
    queued = update(Delivery).where(*which, col(Delivery.state) == DeliveryState.QUEUED)
    await db.execute(queued.values(state=DeliveryState.CANCELLED))


def _ids(batch: Sequence[ContactEvent]) -> list[object]:
    return [event.contact_id for event in batch]
