"""What notify tells a person that it holds."""

from services.notify.held import copies
from shared.db import Sessions
from tests.notify.parties import Parties, coordinator, store


async def test_every_mail_to_a_person_is_told_whoever_it_goes_to_as_and_the_token_is_not(alone: Sessions) -> None:
    parties, els = Parties(), coordinator("limburg", subject="els.maes")
    need, proposal, match = parties.accepted
    await store(alone, els, *parties.people, need, proposal, match.model_copy(update={"provinces": ("limburg",)}))
    async with alone() as db:
        held = await copies(db, "els.maes")
    (contact,), (mail,) = held["contacts"], held["deliveries"]
    assert contact["mail"] == els.mail
    assert "token" not in contact
    assert (mail["template"], mail["party"]) == ("introduction", "coordinator")
