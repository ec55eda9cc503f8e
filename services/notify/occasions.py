"""Why a mail is sent: a delivery with the copies it is made of, found once all of them have arrived."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Select, any_, case, literal, select
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import aliased
from sqlmodel import col, func

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
from services.notify.rules import DeliveryState, Party, Template, can_be_stopped, holds, told_for
from shared.db import Db
from shared.events import MatchState, PartState

MOST = 100
"""Items of one digest; what is more makes another one."""
ENDED = (MatchState.RETRACTED, MatchState.VETOED, MatchState.DECLINED, MatchState.EXPIRED)
"""Of these matches nothing comes any more."""

To, NeedContact, ProposalContact = aliased(Contact), aliased(Contact), aliased(Contact)
Query: TypeAlias = Select[*tuple[Any, ...]]


@dataclass
class Occasion:
    """A delivery, whom it goes to, and what it is about. Which of the copies there are follows from its template."""

    now: datetime
    delivery: Delivery
    to: Contact | Invitation
    match: MatchCopy | None = None
    need: NeedCopy | None = None
    proposal: ProposalCopy | None = None
    need_contact: Contact | None = None
    proposal_contact: Contact | None = None
    consortium: ConsortiumCopy | None = None
    suggestion: SuggestionCopy | None = None
    more: dict[str, Any] = field(default_factory=dict)
    """What its template alone needs: see `complete`."""

    @property
    def template(self) -> Template:
        """The kind of mail."""
        return Template(self.delivery.template)

    @property
    def person(self) -> Contact | None:
        """Whom it goes to, if it is somebody who is known."""
        return self.to if isinstance(self.to, Contact) else None

    @property
    def parties(self) -> list[Contact]:
        """The contacts of need and proposal."""
        return [each for each in (self.need_contact, self.proposal_contact) if each]

    @property
    def others(self) -> list[Contact]:
        """Those of the two who are not written to now, and have not been erased."""
        return [each for each in self.parties if each is not self.to and not each.erased]

    @property
    def is_partys(self) -> bool:
        """Whether it goes to one of the two parties of a match."""
        return self.delivery.party in (Party.NEED, Party.PROPOSAL)


def of_matches() -> Query:
    """Mails about a match; coordinators have their copy of an introduction once both parties have it.

    The match is locked too: one match's mails go one after the other, and the last one knows it is the last.
    """
    by_party = case(
        (col(Delivery.party) == Party.NEED, col(NeedCopy.contact_id)),
        (col(Delivery.party) == Party.PROPOSAL, col(ProposalCopy.contact_id)),
        else_=col(Delivery.contact_id),
    )
    partys = aliased(Delivery)
    parties_wait = (
        select(partys)
        .where(col(partys.match_id) == Delivery.match_id, col(partys.template) == Template.INTRODUCTION)
        .where(col(partys.state) == DeliveryState.QUEUED, col(partys.party) != Party.COORDINATOR)
    )
    is_copy = (col(Delivery.template) == Template.INTRODUCTION) & (col(Delivery.party) == Party.COORDINATOR)
    return (
        select(Delivery, To, MatchCopy, NeedCopy, ProposalCopy, NeedContact, ProposalContact)
        .where(~(is_copy & parties_wait.exists()))
        .join(MatchCopy, col(MatchCopy.match_id) == Delivery.match_id)
        .join(NeedCopy, col(NeedCopy.need_id) == MatchCopy.need_id)
        .join(ProposalCopy, col(ProposalCopy.proposal_id) == MatchCopy.proposal_id)
        .join(NeedContact, col(NeedContact.contact_id) == NeedCopy.contact_id)
        .join(ProposalContact, col(ProposalContact.contact_id) == ProposalCopy.contact_id)
        .join(To, col(To.contact_id) == by_party)
        .with_for_update(of=[Delivery, MatchCopy, To], skip_locked=True)
    )


def of_proposals() -> Query:
    """Mails about a proposal that has no match."""
    return (
        select(Delivery, To, ProposalCopy)
        .where(col(Delivery.template) == Template.NO_MATCH)
        .join(ProposalCopy, col(ProposalCopy.proposal_id) == Delivery.proposal_id)
        .join(To, col(To.contact_id) == ProposalCopy.contact_id)
        .with_for_update(of=[Delivery, To], skip_locked=True)
    )


def of_consortia() -> Query:
    """Mails about the parts of a consortium."""
    return (
        select(Delivery, To, ConsortiumCopy)
        .join(ConsortiumCopy, col(ConsortiumCopy.consortium_id) == Delivery.consortium_id)
        .join(To, col(To.contact_id) == Delivery.contact_id)
        .with_for_update(of=[Delivery, To], skip_locked=True)
    )


def of_suggestions() -> Query:
    """Mails about who could cover a need together; their names are needed too."""
    known = select(func.count()).where(col(CompanyCopy.company_id) == any_(col(SuggestionCopy.members)))
    return (
        select(Delivery, To, NeedCopy, SuggestionCopy)
        .where(col(Delivery.template) == Template.SUGGESTED)
        .join(NeedCopy, col(NeedCopy.need_id) == Delivery.need_id)
        .join(SuggestionCopy, col(SuggestionCopy.need_id) == Delivery.need_id)
        .join(To, col(To.contact_id) == Delivery.contact_id)
        .where(known.scalar_subquery() == func.cardinality(col(SuggestionCopy.members)))
        .with_for_update(of=[Delivery, To], skip_locked=True)
    )


def of_invitations() -> Query:
    """Mails to an address that a lead named. It is nobody's whom we know."""
    return (
        select(Delivery, Invitation)
        .join(Invitation, col(Invitation.invitation_id) == Delivery.invitation_id)
        .with_for_update(of=[Delivery, Invitation], skip_locked=True)
    )


TO_PEOPLE: tuple[Callable[[], Query], ...] = (of_matches, of_proposals, of_consortia, of_suggestions)
"""The person is locked too, so that nobody gets two digests for one."""
FIELDS = {
    Delivery: "delivery",
    Invitation: "to",
    MatchCopy: "match",
    NeedCopy: "need",
    ProposalCopy: "proposal",
    ConsortiumCopy: "consortium",
    SuggestionCopy: "suggestion",
    To: "to",
    NeedContact: "need_contact",
    ProposalContact: "proposal_contact",
}


async def next_due(db: Db, now: datetime | None) -> Occasion | None:
    """What has waited longest of its kind and is due, with all it is made of: what has not arrived makes it wait."""
    for kind in (*TO_PEOPLE, of_invitations):
        if found := await _due(db, kind().limit(1), now):
            return found[0]
    return None


async def digest_with(db: Db, first: Occasion, now: datetime | None) -> list[Occasion]:
    """What the person of a held delivery is to be told with it, itself first."""
    assert first.person
    mine = col(To.contact_id) == first.person.contact_id
    more = [await _due(db, kind().where(mine, col(Delivery.held)).limit(MOST), now) for kind in TO_PEOPLE]
    others = [each for found in more for each in found if each.delivery is not first.delivery]
    return [first, *others][:MOST]


async def _due(db: Db, query: Query, now: datetime | None) -> list[Occasion]:
    moment: Any = func.now() if now is None else literal(now, TIMESTAMP(timezone=True))
    due = query.add_columns(moment.label("now")).where(
        col(Delivery.state) == DeliveryState.QUEUED, col(Delivery.next_try) <= moment
    )
    rows = (await db.execute(due.order_by(col(Delivery.next_try), col(Delivery.delivery_id)))).all()
    names = [FIELDS[each["entity"]] for each in query.column_descriptions]
    return [Occasion(**dict(zip((*names, "now"), row, strict=True))) for row in rows]


async def is_over(db: Db, occasion: Occasion) -> bool:
    """Whether there is nothing left to say, or nobody to say it to."""
    to, template = occasion.to, occasion.template
    if isinstance(to, Invitation):
        return to.mail is None or to.expires_at <= occasion.now or await _is_closed(db, to)
    if to.erased or (to.unsubscribed and can_be_stopped(template)):
        return True
    if template is Template.INTRODUCTION:
        return any(each.erased for each in occasion.parties)
    if occasion.match:
        return not holds(template, MatchState(occasion.match.state))
    if occasion.consortium:
        return occasion.consortium.closed or (template is Template.PART_ASKED and not _is_asked(occasion, to))
    if occasion.suggestion:
        return await _is_superseded(db, occasion.suggestion, occasion, to)
    return await _has_match(db, occasion)


async def _is_superseded(db: Db, suggestion: SuggestionCopy, occasion: Occasion, to: Contact) -> bool:
    """Whether the need is closed, others are suggested now, or one of them has taken back that it may be."""
    assert occasion.need
    outside = occasion.delivery.party == Party.MEMBER and to.company_id not in suggestion.members
    silent = select(CompanyCopy).where(
        col(CompanyCopy.company_id).in_(suggestion.members), ~col(CompanyCopy.suggestible)
    )
    return occasion.need.closed or outside or (await db.scalars(silent.limit(1))).first() is not None


def _is_asked(occasion: Occasion, to: Contact) -> bool:
    assert occasion.consortium
    asked = {"part_id": str(occasion.delivery.part_id), "company_id": str(to.company_id), "state": PartState.OPEN}
    return any(asked.items() <= part.items() for part in occasion.consortium.parts)


async def _is_closed(db: Db, invitation: Invitation) -> bool:
    consortium = await db.get(ConsortiumCopy, invitation.consortium_id)
    return consortium is not None and consortium.closed


async def _has_match(db: Db, occasion: Occasion) -> bool:
    """Whether a proposal has found a match meanwhile, was withdrawn, or says something else now."""
    assert occasion.proposal
    miss = await db.get(Miss, occasion.proposal.proposal_id)
    if occasion.proposal.withdrawn or miss is None or miss.version < occasion.proposal.version:
        return True
    live = select(MatchCopy).where(col(MatchCopy.proposal_id) == miss.proposal_id, col(MatchCopy.state).not_in(ENDED))
    return (await db.scalars(live.limit(1))).first() is not None


async def complete(db: Db, occasions: Iterable[Occasion]) -> None:
    """Add what each one's template alone needs."""
    for each in occasions:
        if read := _MORE.get(each.template):
            each.more = await read(db, each)


async def _refusal(db: Db, occasion: Occasion) -> dict[str, Any]:
    return {"refusal": await db.get(Refusal, occasion.delivery.match_id)}


async def _meeting(db: Db, occasion: Occasion) -> dict[str, Any]:
    return {"meeting": await db.get_one(MeetingCopy, occasion.delivery.match_id)}


async def _copies(db: Db, occasion: Occasion) -> dict[str, Any]:
    assert occasion.match
    copies = await coordinators(db, Template.INTRODUCTION, occasion.match.provinces)
    return {"copies": [each for each in copies if not each.bounces]}


async def _nearest(db: Db, occasion: Occasion) -> dict[str, Any]:
    miss = await db.get_one(Miss, occasion.delivery.proposal_id)
    needs = select(NeedCopy).where(col(NeedCopy.need_id).in_([each["need_id"] for each in miss.nearest]))
    titles = {str(each.need_id): each.title for each in (await db.scalars(needs)).all()}
    return {
        "nearest": [each | {"title": titles[each["need_id"]]} for each in miss.nearest if each["need_id"] in titles]
    }


async def _asks(db: Db, occasion: Occasion) -> dict[str, Any]:
    assert occasion.consortium
    lead = await db.get(Contact, occasion.consortium.contact_id) if occasion.consortium.contact_id else None
    asked = str(occasion.delivery.part_id)
    part = next(part for part in occasion.consortium.parts if part["part_id"] == asked)
    return {"lead": lead and lead.organisation, "part_title": part["title"]}


async def _suggested(db: Db, occasion: Occasion) -> dict[str, Any]:
    """Each company with the parts it could bring, and the open ones. A part is known by its number alone if the need
    has been revised since."""
    suggestion, need = occasion.suggestion, occasion.need
    assert suggestion
    assert need
    titles = dict(enumerate(need.parts, 1)) if need.version == suggestion.need_version else {}
    names = {
        each.company_id: each.name
        for each in await db.scalars(select(CompanyCopy).where(col(CompanyCopy.company_id).in_(suggestion.members)))
    }
    brings = [
        {
            "name": names[member],
            "leads": member == suggestion.lead_id,
            "is_yours": member == getattr(occasion.to, "company_id", None),
            "parts": [
                (each["part"], titles.get(each["part"]))
                for each in suggestion.coverage
                if each["company_id"] == str(member)
            ],
        }
        for member in suggestion.members
    ]
    return {"companies": brings, "gaps": [(part, titles.get(part)) for part in suggestion.gaps]}


_MORE = {
    Template.DECLINED: _refusal,
    Template.MEETING: _meeting,
    Template.INTRODUCTION: _copies,
    Template.NO_MATCH: _nearest,
    Template.PART_ASKED: _asks,
    Template.SUGGESTED: _suggested,
}


async def coordinators(db: Db, template: Template, provinces: Sequence[str]) -> Sequence[Contact]:
    """The people who are to hear of a match at its provinces' coordinators."""
    told = col(Contact.coordinates).in_(told_for(template, provinces))
    query = select(Contact).where(told, ~col(Contact.erased)).order_by(col(Contact.contact_id))
    return (await db.scalars(query)).all()
