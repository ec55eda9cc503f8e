"""Who does not want to hear of everything at once hears of it together, at the moment of the digest."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from services.notify.rules import digest_moment
from shared.db import Sessions
from shared.events import ContactErased, MatchExpired, MatchReminded, MatchRetracted, NoMatchFound
from shared.vocabulary import Digest
from tests.facts import received
from tests.notify.parties import Parties, coordinator, deliveries, person, send_all, states, store
from tests.notify.post import PostOffice, body


async def moment(sessions: Sessions, digest: Digest) -> datetime:
    """The next moment of a digest."""
    async with sessions() as db:
        now = await db.scalar(text("select now()"))
    return digest_moment(digest, now.astimezone(UTC), hour=7, weekday=0)


def region_with_digest(digest: Digest) -> Parties:
    return Parties(asks=person("高艳玲", digest=digest))


async def test_what_can_wait_waits_for_the_digest(alone: Sessions, post: PostOffice) -> None:
    parties = region_with_digest(Digest.DAILY)
    await store(alone, *parties.people, *parties.reminded)
    await send_all(alone)
    assert post.seen == []
    (held,) = await deliveries(alone, parties.match_id)
    due = await moment(alone, Digest.DAILY)
    assert (held.state, held.held, held.next_try) == ("queued", True, due)
    await send_all(alone, due - timedelta(seconds=1))
    assert post.seen == []
    await send_all(alone, due)
    assert body(post.taken[parties.asks.mail]).startswith("Dear 高艳玲,\n\nThis is what happened")
    assert await states(alone, parties.match_id) == ["sent"]


async def test_a_digest_is_one_mail_for_each_person(alone: Sessions, post: PostOffice) -> None:
    one, other = region_with_digest(Digest.WEEKLY), region_with_digest(Digest.WEEKLY)
    more = [Parties(asks=one.asks) for _ in range(2)]
    for parties in (one, other, *more):
        await store(alone, *parties.people, *parties.reminded)
    await send_all(alone)
    await send_all(alone, await moment(alone, Digest.WEEKLY))
    assert sorted(to for to, _ in post.seen) == sorted([one.asks.mail, other.asks.mail])
    mail = post.taken[one.asks.mail]
    ids = [each.delivery_id for parties in (one, *more) for each in await deliveries(alone, parties.match_id)]
    assert mail["Message-ID"] == f"<{min(ids)}@i2pcc.local>"
    for parties in (one, *more):
        assert f"/matches/{parties.match_id}" in body(mail)
        assert await states(alone, parties.match_id) == ["sent"]


async def test_a_digest_that_was_not_taken_is_sent_again_under_the_same_id(alone: Sessions, post: PostOffice) -> None:
    one = region_with_digest(Digest.DAILY)
    other = Parties(asks=one.asks)
    for parties in (one, other):
        await store(alone, *parties.people, *parties.reminded)
    await send_all(alone)
    post.answers.append("451 Come back later")
    due = await moment(alone, Digest.DAILY)
    await send_all(alone, due)
    assert await states(alone, one.match_id) == await states(alone, other.match_id) == ["queued"]
    await send_all(alone, due + timedelta(minutes=1))
    ids = [mail["Message-ID"] for _, mail in post.seen]
    assert len(ids) == 2
    assert len(set(ids)) == 1
    assert await states(alone, one.match_id) == await states(alone, other.match_id) == ["sent"]


async def test_what_is_over_is_left_out_of_the_digest(alone: Sessions, post: PostOffice) -> None:
    one = region_with_digest(Digest.DAILY)
    expired, retracted = Parties(asks=one.asks), Parties(asks=one.asks)
    for parties in (one, expired, retracted):
        await store(alone, *parties.people, *parties.reminded)
    await send_all(alone)
    await store(alone, expired.match(MatchExpired, 4), retracted.match(MatchRetracted, 4))
    await send_all(alone, await moment(alone, Digest.DAILY))
    text = body(post.taken[one.asks.mail])
    assert str(one.match_id) in text
    assert str(expired.match_id) not in text
    assert str(retracted.match_id) not in text
    assert await states(alone, retracted.match_id) == ["cancelled"]


async def test_nobody_gets_a_digest_of_nothing(alone: Sessions, post: PostOffice) -> None:
    parties = region_with_digest(Digest.DAILY)
    await store(alone, *parties.people, *parties.reminded)
    await send_all(alone)
    await store(alone, received(ContactErased, contact_id=parties.asks.contact_id))
    await send_all(alone, await moment(alone, Digest.DAILY))
    assert post.seen == []
    assert await states(alone, parties.match_id) == ["cancelled"]


async def test_an_introduction_waits_for_no_digest(alone: Sessions, post: PostOffice) -> None:
    parties = region_with_digest(Digest.WEEKLY)
    await store(alone, *parties.people, *parties.accepted)
    await send_all(alone)
    assert set(post.taken) == {parties.asks.mail, parties.offers.mail}


async def test_an_escalation_waits_for_no_digest(alone: Sessions, post: PostOffice) -> None:
    parties, els = Parties(), coordinator("limburg", digest=Digest.WEEKLY)
    escalated = parties.match(MatchReminded, 4, state="presented", escalated=True, provinces=["limburg"])
    await store(alone, els, *parties.people, parties.need, parties.proposal, escalated)
    await send_all(alone)
    assert set(post.taken) == {els.mail}


async def test_mails_of_every_kind_are_in_one_digest(alone: Sessions, post: PostOffice) -> None:
    parties = Parties(offers=person("An Peeters", digest=Digest.DAILY))
    other = Parties(offers=parties.offers)
    miss = received(NoMatchFound, proposal_id=other.proposal.proposal_id, version=1, nearest=[])
    await store(alone, *parties.people, *parties.presented, other.proposal, miss)
    await send_all(alone)
    assert parties.offers.mail not in post.taken
    await send_all(alone, await moment(alone, Digest.DAILY))
    mail = post.taken[parties.offers.mail]
    assert mail["Subject"] == "I2PCC: 2 items for you"
    assert f"/matches/{parties.match_id}" in body(mail)
    assert f"/proposals/{other.proposal.proposal_id}" in body(mail)
