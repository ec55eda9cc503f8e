"""What the mail worker sends, on real rows and to a real mail server."""

import asyncio

import pytest
from sqlalchemy import text

from services.notify.rules import Party
from services.notify.workers import send_next
from shared.db import Sessions
from shared.events import ContactErased, MatchRetracted
from tests.facts import received
from tests.notify.parties import Parties, deliveries, let_waits_end, person, said, send_all, states, store
from tests.notify.post import PostOffice, body


async def test_a_presented_match_is_told_to_both_and_shows_no_person(alone: Sessions, post: PostOffice) -> None:
    parties = Parties()
    await store(alone, *parties.people, *parties.presented)
    await send_all(alone)
    assert set(post.taken) == {parties.asks.mail, parties.offers.mail}
    for to, other in ((parties.asks, parties.offers), (parties.offers, parties.asks)):
        text = body(post.taken[to.mail])
        assert to.name in text
        assert not [said for said in (other.name, other.mail, other.organisation) if said in text]


async def test_an_introduction_reaches_both_parties_with_the_others_details(alone: Sessions, post: PostOffice) -> None:
    parties = Parties()
    await store(alone, *parties.people, *parties.accepted)
    await send_all(alone)
    assert set(post.taken) == {parties.asks.mail, parties.offers.mail}
    for to, other in ((parties.asks, parties.offers), (parties.offers, parties.asks)):
        mail = post.taken[to.mail]
        assert mail["Reply-To"] == other.mail
        assert mail["Subject"] == f"Introduction: {parties.need.title} / {parties.proposal.title}"
        text = body(mail)
        assert f"Dear {to.name},\n" in text
        for each in (to, other):
            assert f"  {each.name}, {each.organisation}\n  {each.mail}\n" in text
    assert [kind for kind, _ in await said(alone, parties.match_id)] == ["IntroductionMade"]


async def test_what_notify_says_of_an_introduction_holds_ids_alone(alone: Sessions, post: PostOffice) -> None:
    parties = Parties()
    await store(alone, *parties.people, *parties.accepted)
    await send_all(alone)
    ((_, body),) = await said(alone, parties.match_id)
    assert set(body) == {"version", "match_id", "need_id", "proposal_id"}


async def test_each_introduction_that_is_sent_is_audited_by_ids_alone(alone: Sessions, post: PostOffice) -> None:
    parties = Parties()
    post.answers.append("451 Come back later")
    await store(alone, *parties.people, *parties.accepted)
    await send_all(alone)
    await let_waits_end(alone)
    await send_all(alone)
    assert len(post.taken) == 2
    shown = {Party.NEED: parties.offers, Party.PROPOSAL: parties.asks}
    introductions = [mail for mail in await deliveries(alone, parties.match_id) if mail.template == "introduction"]
    async with alone() as db:
        query = text("select * from audit where request = any(:ids) order by request")
        rows = (await db.execute(query, {"ids": [str(mail.delivery_id) for mail in introductions]})).mappings().all()
    told = ("subject", "role", "action", "objects", "request")
    assert [{name: row[name] for name in told} for row in rows] == [
        {
            "subject": "notify",
            "role": None,
            "action": "mail introduction",
            "objects": [
                {"type": "Match", "key": str(parties.match_id)},
                {"type": "Contact", "key": str(shown[Party(mail.party)].contact_id)},
            ],
            "request": str(mail.delivery_id),
        }
        for mail in sorted(introductions, key=lambda mail: str(mail.delivery_id))
    ]


async def test_an_introduction_is_made_known_once_both_have_it(alone: Sessions, post: PostOffice) -> None:
    parties = Parties()
    await store(alone, *parties.people, *parties.accepted)
    await send_next(alone)
    assert await said(alone, parties.match_id) == []
    await send_next(alone)
    assert len(await said(alone, parties.match_id)) == 1


async def test_the_same_acceptance_delivered_twice_gives_one_introduction(alone: Sessions, post: PostOffice) -> None:
    parties = Parties()
    facts = parties.accepted
    await store(alone, *parties.people, *facts)
    await send_all(alone)
    await store(alone, *facts)
    await send_all(alone)
    assert len(post.seen) == 2
    assert len(await said(alone, parties.match_id)) == 1


async def test_workers_beside_each_other_send_each_mail_once(alone: Sessions, post: PostOffice) -> None:
    all_parties = [Parties() for _ in range(5)]
    for parties in all_parties:
        await store(alone, *parties.people, *parties.accepted)
    while any(await asyncio.gather(*(send_next(alone) for _ in range(4)))):
        pass
    assert len(post.seen) == len(post.taken) == 10
    for parties in all_parties:
        assert [kind for kind, _ in await said(alone, parties.match_id)] == ["IntroductionMade"]


@pytest.mark.parametrize("answer", ["451 Come back later", "550 No such box", PostOffice.HANG_UP])
async def test_a_mail_that_is_sent_again_has_the_same_id(alone: Sessions, post: PostOffice, answer: str) -> None:
    parties = Parties()
    post.answers.append(answer)
    await store(alone, *parties.people, *parties.reminded)
    await send_all(alone)
    (failed,) = await deliveries(alone, parties.match_id)
    assert (failed.state, failed.tries) == ("queued", 1)
    assert failed.error
    assert parties.asks.mail not in failed.error

    await let_waits_end(alone)
    await send_all(alone)
    assert set(post.taken) == {parties.asks.mail}
    ids = [mail["Message-ID"] for _, mail in post.seen]
    assert ids == [f"<{failed.delivery_id}@i2pcc.local>"] * 2
    assert await states(alone, parties.match_id) == ["sent"]


async def test_a_failed_mail_waits_before_it_is_tried_again(alone: Sessions, post: PostOffice) -> None:
    parties = Parties()
    post.answers.append("451 Come back later")
    await store(alone, *parties.people, *parties.reminded)
    await send_all(alone)
    await send_all(alone)
    assert len(post.seen) == 1


async def test_a_mail_that_cannot_be_made_holds_up_no_other(alone: Sessions, post: PostOffice) -> None:
    odd, others = Parties(asks=person("Odd", mail="():__@x.be")), Parties()
    await store(alone, *odd.people, *odd.reminded)
    await store(alone, *others.people, *others.reminded)
    await send_all(alone)
    assert set(post.taken) == {others.asks.mail}
    assert await states(alone, odd.match_id) == ["queued"]


async def test_a_proposal_withdrawn_before_the_introduction_is_sent_drops_it(alone: Sessions, post: PostOffice) -> None:
    parties = Parties()
    await store(alone, *parties.people, *parties.accepted)
    await store(alone, parties.match(MatchRetracted, 4))
    await send_all(alone)
    assert post.seen == []
    assert await states(alone, parties.match_id) == ["cancelled", "cancelled"]
    assert await said(alone, parties.match_id) == []


async def test_an_introduction_that_one_party_has_is_completed(alone: Sessions, post: PostOffice) -> None:
    parties = Parties()
    await store(alone, *parties.people, *parties.accepted)
    await send_next(alone)
    await store(alone, parties.match(MatchRetracted, 4))
    await send_all(alone)
    assert set(post.taken) == {parties.asks.mail, parties.offers.mail}
    assert [kind for kind, _ in await said(alone, parties.match_id)] == ["IntroductionMade"]


@pytest.mark.parametrize("who", ["asks", "offers"])
async def test_an_erased_contact_ends_the_introduction_for_both(alone: Sessions, post: PostOffice, who: str) -> None:
    """Several, as it depends on a match's id which of its mails comes first."""
    all_parties = [Parties() for _ in range(6)]
    for parties in all_parties:
        await store(alone, *parties.people, *parties.accepted)
        await store(alone, received(ContactErased, contact_id=getattr(parties, who).contact_id))
    await send_all(alone)
    assert post.seen == []
    for parties in all_parties:
        assert await states(alone, parties.match_id) == ["cancelled", "cancelled"]
        ((kind, body),) = await said(alone, parties.match_id)
        assert (kind, body["reason"]) == ("IntroductionFailed", "a contact was erased")


async def test_a_region_is_asked_though_the_companys_contact_is_erased(alone: Sessions, post: PostOffice) -> None:
    """It is the introduction that needs both."""
    parties = Parties()
    await store(alone, *parties.people, *parties.reminded)
    await store(alone, received(ContactErased, contact_id=parties.offers.contact_id))
    await send_all(alone)
    assert set(post.taken) == {parties.asks.mail}


async def test_mail_waits_for_a_contact_that_arrives_late_and_then_goes(alone: Sessions, post: PostOffice) -> None:
    parties = Parties()
    await store(alone, parties.asks, *parties.accepted)
    await send_all(alone)
    assert post.seen == []
    assert await states(alone, parties.match_id) == ["queued", "queued"]
    await store(alone, parties.offers)
    await send_all(alone)
    assert set(post.taken) == {parties.asks.mail, parties.offers.mail}


async def test_a_mail_goes_to_the_newest_address(alone: Sessions, post: PostOffice) -> None:
    parties = Parties()
    await store(alone, *parties.people, *parties.reminded)
    moved = person("高艳玲", contact_id=parties.asks.contact_id, version=2)
    await store(alone, moved)
    await send_all(alone)
    assert set(post.taken) == {moved.mail}
