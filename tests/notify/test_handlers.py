"""What notify keeps of the events it hears, and which mails they call for."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select

from services.notify.handlers import events, keep_contacts
from services.notify.models import Contact, Delivery, MatchCopy
from shared.db import Db
from shared.events import ContactErased, MatchDeclined, MatchPresented, MatchRetracted, MatchRevised
from tests.facts import received
from tests.notify.parties import Parties, person


async def mails(db: Db, match: UUID) -> Sequence[tuple[str, str, str]]:
    """The mails of a match: kind, party, state."""
    query = select(Delivery).where(col(Delivery.match_id) == match)
    found = (await db.scalars(query, execution_options={"populate_existing": True})).all()
    return sorted((each.template, each.party, each.state) for each in found)


async def test_a_presentation_calls_for_a_mail_to_the_region(db: Db) -> None:
    parties = Parties()
    await events.apply(parties.presented, db)
    assert await mails(db, parties.match_id) == [("presented", "need", "queued")]


async def test_an_acceptance_calls_for_a_mail_to_each_party(db: Db) -> None:
    parties = Parties()
    await events.apply(parties.accepted, db)
    assert await mails(db, parties.match_id) == [
        ("introduction", "need", "queued"),
        ("introduction", "proposal", "queued"),
    ]


async def test_other_steps_call_for_no_mail_and_are_kept(db: Db) -> None:
    parties = Parties()
    await events.apply([parties.match(MatchRevised, 3), parties.match(MatchDeclined, 4)], db)
    assert await mails(db, parties.match_id) == []
    assert (await db.get_one(MatchCopy, parties.match_id)).version == 4


async def test_a_match_presented_anew_is_mailed_anew(db: Db) -> None:
    parties = Parties()
    await events.apply([*parties.presented, parties.match(MatchPresented, 5)], db)
    assert len(await mails(db, parties.match_id)) == 2


async def test_a_retraction_drops_what_is_queued(db: Db) -> None:
    parties = Parties()
    await events.apply([*parties.presented, parties.match(MatchRetracted, 3)], db)
    assert await mails(db, parties.match_id) == [("presented", "need", "cancelled")]


async def test_of_an_erased_person_only_the_id_is_left(db: Db) -> None:
    someone = person("An Peeters", phone="+32 3 000 00 01")
    await keep_contacts([someone], db)
    await keep_contacts([received(ContactErased, contact_id=someone.contact_id)], db)
    left = (await db.get_one(Contact, someone.contact_id)).model_dump(exclude={"contact_id", "version"})
    assert left.pop("erased") is True
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
