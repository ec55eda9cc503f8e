"""What notify keeps of the events it hears, and which mails they call for."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlmodel import col, select, update

from services.notify.handlers import events, keep_contacts
from services.notify.models import Contact, Delivery, MatchCopy
from shared.db import Db
from shared.events import (
    ContactErased,
    MatchDeclined,
    MatchEvent,
    MatchExpired,
    MatchFound,
    MatchIntroduced,
    MatchPresented,
    MatchReminded,
    MatchRetracted,
    MatchRevised,
    MatchShortlisted,
    MatchVetoed,
    OutcomeReported,
)
from tests.facts import received
from tests.notify.parties import Parties, coordinator, person

MEETING = {"starts": "2019-03-01T09:00:00+08:00", "minutes": 90, "place": "Shijiazhuang"}


async def mails(db: Db, match: UUID) -> Sequence[tuple[str, str, str]]:
    """The mails of a match: kind, party, state."""
    query = select(Delivery).where(col(Delivery.match_id) == match)
    found = (await db.scalars(query, execution_options={"populate_existing": True})).all()
    return sorted((each.template, each.party, each.state) for each in found)


async def test_a_presentation_calls_for_a_mail_to_each_party(db: Db) -> None:
    parties = Parties()
    await events.apply(parties.presented, db)
    assert await mails(db, parties.match_id) == [("found", "proposal", "queued"), ("presented", "need", "queued")]


async def test_an_acceptance_calls_for_a_mail_to_each_party(db: Db) -> None:
    parties = Parties()
    await events.apply(parties.accepted, db)
    assert await mails(db, parties.match_id) == [
        ("introduction", "need", "queued"),
        ("introduction", "proposal", "queued"),
    ]


@pytest.mark.parametrize("kind", [MatchRevised, MatchShortlisted, MatchVetoed, MatchIntroduced])
async def test_other_steps_call_for_no_mail_and_are_kept(db: Db, kind: type[MatchEvent]) -> None:
    parties = Parties()
    await events.apply([parties.match(kind, 3)], db)
    assert await mails(db, parties.match_id) == []
    assert (await db.get_one(MatchCopy, parties.match_id)).version == 3


async def test_a_match_presented_anew_is_mailed_anew_and_once(db: Db) -> None:
    parties = Parties()
    await events.apply([*parties.presented, parties.match(MatchPresented, 5)], db)
    states = Counter(state for _, _, state in await mails(db, parties.match_id))
    assert states == {"cancelled": 2, "queued": 2}


async def test_a_retraction_drops_what_is_queued(db: Db) -> None:
    parties = Parties()
    await events.apply([*parties.presented, parties.match(MatchRetracted, 3)], db)
    assert {state for _, _, state in await mails(db, parties.match_id)} == {"cancelled"}


async def test_a_match_that_waits_for_a_coordinator_is_told_to_those_of_the_leads_province(db: Db) -> None:
    parties = Parties()
    mine, other = coordinator("limburg"), coordinator("antwerp")
    await events.apply([mine, other, parties.match(MatchFound, 1, provinces=["limburg", "antwerp"])], db)
    ours = col(Delivery.contact_id).in_((mine.contact_id, other.contact_id))  # there may be other coordinators
    (queued,) = (await db.scalars(select(Delivery).where(col(Delivery.match_id) == parties.match_id, ours))).all()
    assert (queued.template, queued.party, queued.contact_id) == ("to_shortlist", "coordinator", mine.contact_id)
    assert queued.next_try
    assert queued.next_try > await db.scalar(text("select now()"))


async def test_a_reminder_goes_to_the_region_and_an_escalation_to_the_coordinators(db: Db) -> None:
    parties = Parties()
    region = parties.match(MatchReminded, 3, escalated=False)
    coordinators = parties.match(MatchReminded, 4, escalated=True, provinces=["other"])
    await events.apply([coordinator("cleantech_flanders"), region, coordinators], db)
    assert await mails(db, parties.match_id) == [("escalated", "coordinator", "queued"), ("reminded", "need", "queued")]


@pytest.mark.parametrize(("kind", "template"), [(MatchDeclined, "declined"), (MatchExpired, "expired")])
async def test_the_company_hears_that_a_match_came_to_nothing(db: Db, kind: type[MatchEvent], template: str) -> None:
    parties = Parties()
    await events.apply([parties.match(kind, 4)], db)
    assert await mails(db, parties.match_id) == [(template, "proposal", "queued")]


async def test_only_a_meeting_is_told_of_what_came_of_an_introduction(db: Db) -> None:
    parties = Parties()
    await events.apply([parties.match(OutcomeReported, 6, outcome="pilot", meeting=None)], db)
    assert await mails(db, parties.match_id) == []
    await events.apply([parties.match(OutcomeReported, 7, outcome="meeting", meeting=MEETING)], db)
    assert await mails(db, parties.match_id) == [("meeting", "need", "queued"), ("meeting", "proposal", "queued")]


async def test_of_an_erased_person_only_the_id_is_left(db: Db) -> None:
    someone = person("An Peeters", phone="+32 3 000 00 01")
    await keep_contacts([someone], db)
    await db.execute(update(Contact).values(refused="an@example.org"))
    await keep_contacts([received(ContactErased, contact_id=someone.contact_id)], db)
    left = (await db.get_one(Contact, someone.contact_id)).model_dump(exclude={"contact_id", "version"})
    assert left.pop("erased") is True
    assert left.pop("unsubscribed") is False
    assert set(left.values()) == {None}


async def test_an_erased_person_is_not_brought_back_by_what_arrives_late(db: Db) -> None:
    someone = person("An Peeters")
    erased = received(ContactErased, contact_id=someone.contact_id)
    await keep_contacts([erased, someone], db)
    await keep_contacts([person("An Peeters", contact_id=someone.contact_id, version=9)], db)
    assert (await db.get_one(Contact, someone.contact_id)).name is None


async def test_the_newest_contact_wins(db: Db) -> None:
    someone = person("An Peeters")
    newer = person("An Peeters-Maes", contact_id=someone.contact_id, version=2)
    await keep_contacts([newer], db)
    await keep_contacts([someone], db)
    assert (await db.get_one(Contact, someone.contact_id)).name == newer.name
