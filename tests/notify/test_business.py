"""The mails around an introduction: who gets which, and when it is too late for one."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from icalendar import Calendar
from sqlalchemy import text
from sqlmodel import col, select

from services.notify.models import Contact, Delivery, Invitation
from services.notify.rules import SETTLES
from shared.db import Sessions
from shared.events import (
    ConsortiumClosed,
    ConsortiumFacts,
    ConsortiumOpened,
    ConsortiumRevised,
    ContactErased,
    Event,
    InvitationIssued,
    MatchAccepted,
    MatchDeclined,
    MatchExpired,
    MatchFound,
    MatchPresented,
    MatchReminded,
    MatchVetoed,
    NoMatchFound,
    OutcomeReported,
    PartConfirmed,
    PartDeclined,
    ProposalRevised,
    ProposalWithdrawn,
)
from tests.facts import received
from tests.notify.parties import Parties, coordinator, person, send_all, states, store
from tests.notify.post import PostOffice, body

MEETING = {"starts": "2019-03-05T09:00:00+08:00", "minutes": 90, "place": "Xi'an"}


def consortium(kind: type[ConsortiumFacts], version: int, *parts: dict[str, Any], **fields: Any) -> Any:
    """A consortium of these parts."""
    return received(kind, version=version, **{"parts": parts, "wanted": [], "closed": False} | fields)


def part(company: UUID, state: str = "open", part_id: UUID | None = None) -> dict[str, Any]:
    """A part that a company was asked to bring."""
    return {"part_id": part_id or uuid4(), "title": "Drying", "company_id": company, "state": state}


async def queued(sessions: Sessions, template: str) -> list[str]:
    """Where the mails of a kind stand."""
    async with sessions() as db:
        query = select(Delivery.state).where(col(Delivery.template) == template)
        return sorted((await db.scalars(query)).all())


async def test_coordinators_hear_of_a_match_that_waits_for_them(alone: Sessions, post: PostOffice) -> None:
    parties, els = Parties(), coordinator("limburg", language="nl")
    found = parties.match(MatchFound, 1, provinces=["limburg"])
    await store(alone, els, *parties.people, parties.need, parties.proposal, found)
    await send_all(alone)
    assert post.seen == []
    await send_all(alone, datetime.now(UTC) + timedelta(seconds=SETTLES + 5))
    assert set(post.taken) == {els.mail}
    assert body(post.taken[els.mail]).startswith("Beste Els Maes,\n")


async def test_coordinators_are_spared_a_match_that_is_presented_at_once(alone: Sessions, post: PostOffice) -> None:
    parties, els = Parties(), coordinator("limburg")
    await store(alone, els, *parties.people, parties.need, parties.proposal)
    await store(alone, parties.match(MatchFound, 1, provinces=["limburg"]))
    await send_all(alone)
    await store(alone, parties.match(MatchPresented, 2, provinces=["limburg"]))
    await send_all(alone, datetime.now(UTC) + timedelta(seconds=SETTLES + 5))
    assert set(post.taken) == {parties.asks.mail, parties.offers.mail}


@pytest.mark.parametrize("kind", [MatchVetoed, MatchAccepted, MatchExpired])
async def test_the_region_is_not_asked_what_it_cannot_answer_any_more(
    alone: Sessions, post: PostOffice, kind: Any
) -> None:
    parties = Parties()
    await store(alone, *parties.people, *parties.reminded, parties.match(kind, 4))
    await send_all(alone)
    assert not [mail for to, mail in post.seen if to == parties.asks.mail and "reminder" in mail["Subject"]]
    assert "cancelled" in await states(alone, parties.match_id)


async def test_the_company_is_told_why_it_was_declined(alone: Sessions, post: PostOffice) -> None:
    parties = Parties(offers=person("An Peeters", language="nl"))
    declined = parties.match(MatchDeclined, 4, objection="too_expensive", reason="先看到价格再说。")
    await store(alone, *parties.people, parties.need, parties.proposal, declined)
    await send_all(alone)
    assert set(post.taken) == {parties.offers.mail}
    text = body(post.taken[parties.offers.mail])
    assert "- Waarom: te duur\n" in text
    assert "先看到价格再说。" in text


async def test_the_coordinators_of_all_members_have_a_copy_of_the_introduction(
    alone: Sessions, post: PostOffice
) -> None:
    parties = Parties()
    copies = [coordinator("limburg"), coordinator("antwerp")]
    await store(alone, *copies, coordinator("east_flanders"), *parties.people, parties.need, parties.proposal)
    await store(alone, parties.match(MatchAccepted, 3, provinces=["limburg", "antwerp"]))
    await send_all(alone)
    assert set(post.taken) == {each.mail for each in (parties.asks, parties.offers, *copies)}
    assert {to for to, _ in post.seen[:2]} == {parties.asks.mail, parties.offers.mail}
    for mail in post.taken.values():
        assert {each.strip() for each in mail["Cc"].split(",")} == {each.mail for each in copies}
        assert parties.asks.mail in body(mail)
        assert parties.offers.mail in body(mail)


async def test_a_meeting_that_moves_updates_the_entry_of_both(alone: Sessions, post: PostOffice) -> None:
    parties = Parties()
    await store(alone, *parties.people, parties.need, parties.proposal)
    entries = []
    for version, minutes in ((6, 90), (8, 60)):
        meeting = MEETING | {"minutes": minutes}
        await store(alone, parties.match(OutcomeReported, version, outcome="meeting", meeting=meeting))
        await send_all(alone)
        for to in (parties.asks, parties.offers):
            (file,) = post.taken[to.mail].iter_attachments()
            (event,) = Calendar.from_ical(file.get_content()).walk("VEVENT")
            entries.append((event["UID"], event["SEQUENCE"], event["DTEND"].dt - event["DTSTART"].dt))
    uid = f"{parties.match_id}@i2pcc.local"
    assert entries == [(uid, 6, timedelta(minutes=90))] * 2 + [(uid, 8, timedelta(minutes=60))] * 2


async def test_a_meeting_is_told_though_the_other_party_was_erased(alone: Sessions, post: PostOffice) -> None:
    parties = Parties()
    await store(alone, *parties.people, parties.need, parties.proposal)
    await store(alone, received(ContactErased, contact_id=parties.asks.contact_id))
    await store(alone, parties.match(OutcomeReported, 6, outcome="meeting", meeting=MEETING))
    await send_all(alone)
    ((to, mail),) = post.seen
    assert to == parties.offers.mail
    assert "None" not in body(mail)
    assert "Whom you meet" not in body(mail)
    (file,) = mail.iter_attachments()
    (event,) = Calendar.from_ical(file.get_content()).walk("VEVENT")
    assert event["ATTENDEE"] == f"mailto:{parties.offers.mail}"


async def test_a_company_hears_once_for_each_version_that_nothing_fits_yet(alone: Sessions, post: PostOffice) -> None:
    parties = Parties()
    near = {"need_id": parties.need.need_id, "region": "hebei", "challenges": [4], "score": 0.2, "failed": ["Too far"]}
    miss = {"proposal_id": parties.proposal.proposal_id, "nearest": [near]}
    await store(alone, *parties.people, parties.need, parties.proposal, received(NoMatchFound, version=1, **miss))
    await send_all(alone)
    await store(alone, received(NoMatchFound, version=1, **miss))
    await send_all(alone)
    ((to, mail),) = post.seen
    assert to == parties.offers.mail
    assert f"- {parties.need.title} (Hebei): Too far\n" in body(mail)


@pytest.mark.parametrize("later", [ProposalWithdrawn, ProposalRevised, MatchFound])
async def test_nobody_is_told_of_no_match_once_that_is_over(alone: Sessions, post: PostOffice, later: Any) -> None:
    parties = Parties()
    await store(alone, *parties.people, parties.need, parties.proposal)
    proposal = {"proposal_id": parties.proposal.proposal_id, "contact_id": parties.offers.contact_id}
    event = parties.match(later, 1) if later is MatchFound else received(later, version=2, **proposal)
    await store(alone, received(NoMatchFound, version=1, nearest=[], proposal_id=proposal["proposal_id"]), event)
    await send_all(alone)
    assert post.seen == []
    assert await queued(alone, "no_match") == ["cancelled"]


@pytest.mark.parametrize("ended", [MatchDeclined, MatchExpired, MatchVetoed])
async def test_a_match_that_has_ended_keeps_nobody_from_hearing_that_nothing_fits(
    alone: Sessions, post: PostOffice, ended: Any
) -> None:
    parties = Parties()
    await store(alone, *parties.people, parties.need, parties.proposal, parties.match(ended, 4))
    miss = received(NoMatchFound, version=1, nearest=[], proposal_id=parties.proposal.proposal_id)
    await store(alone, miss)
    await send_all(alone)
    assert await queued(alone, "no_match") == ["sent"]


async def test_every_person_of_a_company_is_asked_for_its_part_once(alone: Sessions, post: PostOffice) -> None:
    company, other = uuid4(), uuid4()
    people = [person("An Peeters", company_id=company), person("Jan Claes", company_id=company)]
    later = person("Mia Wouters", company_id=other)
    lead = person("Els Maes", organisation="Limburg Systems")
    asked = part(company)
    await store(alone, *people, later, lead, consortium(ConsortiumOpened, 1, asked, contact_id=lead.contact_id))
    await send_all(alone)
    assert {to for to, _ in post.seen} == {each.mail for each in people}
    assert "Limburg Systems is putting together" in body(post.taken[people[0].mail])
    await store(alone, consortium(ConsortiumRevised, 2, asked, part(other), contact_id=lead.contact_id))
    await send_all(alone)
    assert [to for to, _ in post.seen[2:]] == [later.mail]


async def test_who_is_named_after_its_company_was_asked_is_asked_too(alone: Sessions, post: PostOffice) -> None:
    company = uuid4()
    closed = consortium(ConsortiumClosed, 2, part(company), consortium_id=uuid4(), closed=True)
    answered = consortium(PartConfirmed, 2, part(company, "confirmed"), consortium_id=uuid4(), contact_id=None)
    await store(alone, closed, answered, consortium(ConsortiumOpened, 1, part(company), part(uuid4())))
    an = person("An Peeters", company_id=company)
    await store(alone, an, person("Jan Claes", company_id=uuid4()))
    await store(alone, person("An Peeters", contact_id=an.contact_id, mail=an.mail, company_id=company, version=2))
    await send_all(alone)
    assert [to for to, _ in post.seen] == [an.mail]


async def test_a_company_that_declined_is_asked_anew_for_a_part_that_was_changed(
    alone: Sessions, post: PostOffice
) -> None:
    company, part_id = uuid4(), uuid4()
    an = person("An Peeters", company_id=company)
    smaller = part(company, "open", part_id) | {"title": "Drying, a tenth of it"}
    await store(alone, an, consortium(ConsortiumOpened, 1, part(company, "open", part_id)))
    await send_all(alone)
    await store(alone, consortium(PartDeclined, 2, part(company, "declined", part_id), contact_id=None))
    await store(alone, consortium(ConsortiumRevised, 3, smaller))
    await send_all(alone)
    assert [to for to, _ in post.seen] == [an.mail] * 2
    assert "- Drying, a tenth of it\n" in body(post.taken[an.mail])


@pytest.mark.parametrize(
    ("kind", "state", "closed"),
    [(PartConfirmed, "confirmed", False), (PartDeclined, "declined", False), (ConsortiumClosed, "open", True)],
)
async def test_a_company_is_not_asked_for_what_has_been_answered(
    alone: Sessions, post: PostOffice, kind: Any, state: str, closed: bool
) -> None:
    company, part_id = uuid4(), uuid4()
    opened = consortium(ConsortiumOpened, 1, part(company, "open", part_id))
    answered = consortium(kind, 2, part(company, state, part_id), closed=closed, contact_id=None)
    await store(alone, person("An Peeters", company_id=company), opened, answered)
    await send_all(alone)
    assert post.seen == []
    assert await queued(alone, "part_asked") == ["cancelled"]


async def test_a_lead_is_told_how_its_puzzle_stands(alone: Sessions, post: PostOffice) -> None:
    lead = person("Els Maes")
    wanted = [{"part_id": uuid4(), "title": "Steering"}]
    facts = {"contact_id": lead.contact_id, "wanted": wanted}
    parts = [part(uuid4(), "confirmed"), part(uuid4())]
    await store(alone, lead, consortium(PartConfirmed, 2, *parts, **facts))
    await send_all(alone)
    assert "- Drying: confirmed\n- Drying: not answered yet\n- Steering: still looking" in body(post.taken[lead.mail])


async def test_a_lead_that_has_submitted_is_told_of_its_puzzle_no_more(alone: Sessions, post: PostOffice) -> None:
    lead = person("Els Maes")
    facts = {"contact_id": lead.contact_id}
    await store(alone, lead, consortium(PartConfirmed, 2, part(uuid4(), "confirmed"), **facts))
    await store(alone, consortium(ConsortiumClosed, 3, part(uuid4(), "confirmed"), closed=True, **facts))
    await send_all(alone)
    assert post.seen == []
    assert await queued(alone, "part_answered") == ["cancelled"]


def invitation(**fields: Any) -> InvitationIssued:
    """A lead's invitation of an address."""
    known = {"invitation_id": uuid4(), "mail": f"{uuid4().hex}@example.org", "token": uuid4().hex, "language": "nl"}
    return received(InvitationIssued, **known | {"expires_at": datetime.now(UTC) + timedelta(days=14)} | fields)


async def kept(sessions: Sessions, event: InvitationIssued) -> tuple[str | None, str | None]:
    """What is left of the address and the token."""
    async with sessions() as db:
        found = await db.get_one(Invitation, event.invitation_id)
    return found.mail, found.token


async def test_an_invitation_is_sent_and_forgotten(alone: Sessions, post: PostOffice) -> None:
    invited = invitation()
    await store(alone, invited)
    await store(alone, invited)
    await send_all(alone)
    ((to, mail),) = post.seen
    assert to == invited.mail
    assert f"/invitations#{invited.token}" in body(mail)
    assert await kept(alone, invited) == (None, None)


@pytest.mark.parametrize("what", ["expired", "closed", "erased", "refused"])
async def test_an_invitation_that_has_come_to_nothing_is_forgotten(
    alone: Sessions, post: PostOffice, what: str
) -> None:
    someone = person("An Peeters")
    invited = invitation(mail=someone.mail)
    now, more = None, list[Event]()
    if what == "expired":
        now = datetime.now(UTC) + timedelta(days=15)
    elif what == "closed":
        more = [consortium(ConsortiumClosed, 2, consortium_id=invited.consortium_id, closed=True)]
    elif what == "erased":
        more = [received(ContactErased, contact_id=someone.contact_id)]
    else:
        post.refused[someone.mail] = "550 No such mailbox"
    await store(alone, someone, invited)
    await store(alone, *more)
    await send_all(alone, now)
    assert post.seen == []
    assert await queued(alone, "invitation") == ["bounced" if what == "refused" else "cancelled"]
    assert await kept(alone, invited) == (None, None)


async def test_who_has_unsubscribed_hears_of_what_somebody_waits_for_alone(alone: Sessions, post: PostOffice) -> None:
    parties, company = Parties(), uuid4()
    an = person("An Peeters", company_id=company)
    await store(alone, an, *parties.people)
    async with alone() as db, db.begin():
        await db.execute(text("update contact set unsubscribed = true"))
    await store(alone, *parties.reminded)
    await send_all(alone)
    assert post.seen == []
    await store(alone, parties.match(MatchAccepted, 4), consortium(ConsortiumOpened, 1, part(company)))
    await send_all(alone)
    assert {to for to, _ in post.seen} == {an.mail, parties.asks.mail, parties.offers.mail}


async def test_every_person_has_a_token_of_their_own_that_stays(alone: Sessions) -> None:
    someone = person("An Peeters")
    await store(alone, someone, person("Jan Claes"))
    tokens = []
    for version in (2, 3):
        async with alone() as db:
            tokens.append({each.contact_id: each.token for each in (await db.scalars(select(Contact))).all()})
        await store(alone, person("An Peeters", contact_id=someone.contact_id, version=version))
    assert tokens[0] == tokens[1]
    assert len(set(tokens[0].values()) - {None}) == 2


async def test_a_reminder_names_the_last_day(alone: Sessions, post: PostOffice) -> None:
    parties = Parties(asks=person("高艳玲", language="zh"))
    reminded = parties.match(MatchReminded, 3, state="presented", escalated=False, answer_by="2019-04-30")
    await store(alone, *parties.people, parties.need, parties.proposal, reminded)
    await send_all(alone)
    assert "2019年4月30日" in body(post.taken[parties.asks.mail])
