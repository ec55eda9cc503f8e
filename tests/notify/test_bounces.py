"""What becomes of mail to an address that the mail server refuses."""

import pytest
from sqlmodel import select

from services.notify.models import Contact
from shared.db import Sessions
from shared.events import IntroductionFailed
from tests.notify.parties import Parties, coordinator, deliveries, let_waits_end, person, said, send_all, states, store
from tests.notify.post import PostOffice

GONE = "550 5.1.1 No such mailbox"


async def test_an_address_that_is_refused_for_good_gets_no_more_mail(alone: Sessions, post: PostOffice) -> None:
    one = Parties()
    other = Parties(asks=one.asks)
    post.refused[one.asks.mail] = GONE
    await store(alone, *one.people, *one.reminded)
    await send_all(alone)
    assert await states(alone, one.match_id) == ["bounced"]
    post.refused.clear()
    await store(alone, *other.people, *other.reminded)
    await send_all(alone)
    assert await states(alone, other.match_id) == ["bounced"]
    assert post.seen == []


@pytest.mark.parametrize("answer", ["450 4.2.1 Try later", "550 5.7.1 Relaying denied"])
async def test_an_address_that_is_refused_for_now_is_tried_again(
    alone: Sessions, post: PostOffice, answer: str
) -> None:
    """The second is about us: a relay that is set up wrongly makes nobody's address a dead one."""
    parties = Parties()
    post.refused[parties.asks.mail] = answer
    await store(alone, *parties.people, *parties.reminded)
    await send_all(alone)
    (waiting,) = await deliveries(alone, parties.match_id)
    assert (waiting.state, waiting.tries, waiting.error) == ("queued", 1, "SMTPRecipientsRefused")
    post.refused.clear()
    await let_waits_end(alone)
    await send_all(alone)
    assert set(post.taken) == {parties.asks.mail}


async def test_a_new_address_is_tried_and_the_same_one_said_again_is_not(alone: Sessions, post: PostOffice) -> None:
    parties = Parties()
    post.refused[parties.asks.mail] = GONE
    await store(alone, *parties.people, *parties.reminded)
    await send_all(alone)
    same = person("高艳玲", contact_id=parties.asks.contact_id, mail=parties.asks.mail, version=2)
    later = Parties(asks=parties.asks)
    await store(alone, same, *later.people, *later.reminded)
    await send_all(alone)
    assert await states(alone, later.match_id) == ["bounced"]
    moved = person("高艳玲", contact_id=parties.asks.contact_id, version=3)
    last = Parties(asks=parties.asks)
    await store(alone, moved, *last.people, *last.reminded)
    await send_all(alone)
    assert set(post.taken) == {moved.mail}


@pytest.mark.parametrize("who", ["asks", "offers"])
async def test_an_introduction_that_cannot_reach_a_party_fails_once(
    alone: Sessions, post: PostOffice, who: str
) -> None:
    """Several, as it depends on a match's id which of its mails comes first."""
    all_parties = [Parties() for _ in range(6)]
    els = coordinator("limburg")
    await store(alone, els)
    for parties in all_parties:
        post.refused[getattr(parties, who).mail] = GONE
        need, proposal, match = parties.accepted
        await store(alone, *parties.people, need, proposal, match.model_copy(update={"provinces": ("limburg",)}))
    await send_all(alone)
    for parties in all_parties:
        ((kind, body),) = await said(alone, parties.match_id)
        assert (kind, body["reason"]) == (IntroductionFailed.__name__, "a mail address was refused")
        assert "bounced" in await states(alone, parties.match_id)
        assert "queued" not in await states(alone, parties.match_id)
    assert els.mail not in post.taken


async def test_a_copy_that_is_refused_does_not_hinder_the_introduction(alone: Sessions, post: PostOffice) -> None:
    parties, els = Parties(), coordinator("limburg")
    post.refused[els.mail] = GONE
    need, proposal, match = parties.accepted
    await store(alone, els, *parties.people, need, proposal, match.model_copy(update={"provinces": ("limburg",)}))
    await send_all(alone)
    assert set(post.taken) == {parties.asks.mail, parties.offers.mail}
    assert [kind for kind, _ in await said(alone, parties.match_id)] == ["IntroductionMade"]
    assert await states(alone, parties.match_id) == ["bounced", "sent", "sent"]


async def test_an_address_that_was_refused_is_remembered_for_its_person_alone(
    alone: Sessions, post: PostOffice
) -> None:
    parties = Parties()
    post.refused[parties.asks.mail] = GONE
    await store(alone, *parties.people, *parties.reminded)
    await send_all(alone)
    async with alone() as db:
        people = (await db.scalars(select(Contact))).all()
    assert {each.contact_id: each.bounces for each in people} == {
        parties.asks.contact_id: True,
        parties.offers.contact_id: False,
    }
