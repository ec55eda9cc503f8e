"""What the worker makes of needs and proposals, on real rows."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import text

from deploy.waiting import until
from services.matching.current import current
from services.matching.life import SAYS, Step
from services.matching.workers import embed, find_matches
from shared.db import Sessions
from shared.events import (
    MatchState,
    NeedClosed,
    NeedRevised,
    ProposalRevised,
    ProposalWithdrawn,
)
from tests.matching.sides import (
    OTHER,
    blocked_or_done,
    happen,
    match_of,
    matches,
    need,
    presented,
    proposal,
    said,
    settle,
    store,
    take_step,
    types_of,
    waiting,
)

PRESENTED = ["MatchFound", "MatchPresented"]


@pytest.mark.parametrize("need_first", [True, False])
async def test_a_need_and_a_proposal_that_belong_together_meet(alone: Sessions, need_first: bool) -> None:
    posted, offered = need(), proposal()
    for side in (posted, offered) if need_first else (offered, posted):
        await happen(alone, side)
    match = await presented(alone, posted, offered)
    assert (match.state, match.version, match.challenges, match.region) == ("presented", 2, [4], posted.region)
    assert await types_of(alone, match.match_id) == PRESENTED


async def test_titles_that_mean_the_same_meet_across_languages(alone: Sessions) -> None:
    posted = need(title="垃圾填埋场渗滤液的膜处理", language="zh")
    assert await presented(alone, posted, proposal(title="Membraanbehandeling van percolaat", language="nl"))


async def test_a_common_challenge_alone_is_no_match(alone: Sessions) -> None:
    posted, offered = need(), proposal(title=OTHER)
    await happen(alone, posted, offered)
    assert await match_of(alone, posted, offered) is None


async def test_a_match_goes_to_its_regions_topic_from_its_presentation_on(alone: Sessions) -> None:
    posted, offered = need(), proposal()
    match = await presented(alone, posted, offered)
    await happen(alone, need(NeedRevised, need_id=posted.need_id, version=2))
    places = [(each.type, each.topic) for each in await said(alone, match.match_id)]
    common, regional = "i2pcc.matches.v1", f"i2pcc.matches.{posted.region}.v1"
    both = [(kind, topic) for kind in ("MatchPresented", "MatchRevised") for topic in (common, regional)]
    assert places == [("MatchFound", common), *both]


async def test_a_closed_need_is_never_matched(alone: Sessions) -> None:
    posted, offered = need(), proposal()
    await store(alone, posted, need(NeedClosed, need_id=posted.need_id, version=2))
    await happen(alone, offered)
    await happen(alone, proposal(ProposalRevised, proposal_id=offered.proposal_id, version=2))
    assert await matches(alone) == []


async def test_a_withdrawn_proposal_is_never_matched(alone: Sessions) -> None:
    offered = proposal()
    await store(alone, offered, proposal(ProposalWithdrawn, proposal_id=offered.proposal_id, version=2))
    await happen(alone, need())
    assert await matches(alone) == []


async def test_a_withdrawal_and_a_closing_retract_what_was_presented(alone: Sessions) -> None:
    for goes in (
        lambda posted, _: need(NeedClosed, need_id=posted.need_id, version=2),
        lambda _, offered: proposal(ProposalWithdrawn, proposal_id=offered.proposal_id, version=2),
    ):
        posted, offered = need(challenges=[5]), proposal(challenges=[5])
        match = await presented(alone, posted, offered)
        await happen(alone, goes(posted, offered))
        assert await types_of(alone, match.match_id) == [*PRESENTED, "MatchRetracted"]


@pytest.mark.parametrize("change", [{"title": OTHER}, {"challenges": [5]}])
async def test_a_revision_that_no_longer_fits_retracts(alone: Sessions, change: dict[str, object]) -> None:
    posted, offered = need(), proposal()
    match = await presented(alone, posted, offered)
    await happen(alone, proposal(ProposalRevised, proposal_id=offered.proposal_id, version=2, **change))
    assert await types_of(alone, match.match_id) == [*PRESENTED, "MatchRetracted"]


async def test_a_revision_that_still_fits_revises(alone: Sessions) -> None:
    posted, offered = need(), proposal()
    await presented(alone, posted, offered)
    revised = need(NeedRevised, need_id=posted.need_id, version=2, challenges=[4, 5])
    match = await presented(alone, revised, offered)
    assert (match.version, match.need_version, match.state) == (3, 2, "presented")
    assert await types_of(alone, match.match_id) == [*PRESENTED, "MatchRevised"]


async def test_a_pair_that_fits_again_is_presented_again_as_the_same_match(alone: Sessions) -> None:
    posted, offered = need(), proposal()
    match = await presented(alone, posted, offered)
    for version, title in ((2, OTHER), (3, posted.title)):
        await happen(alone, proposal(ProposalRevised, proposal_id=offered.proposal_id, version=version, title=title))
    assert await types_of(alone, match.match_id) == [*PRESENTED, "MatchRetracted", *PRESENTED]


async def test_two_sides_revised_at_once_do_not_lose_their_match_meanwhile(alone: Sessions) -> None:
    """The one that is embedded first must not judge the other by a vector of its old text."""
    posted, offered = need(), proposal()
    match = await presented(alone, posted, offered)
    await happen(
        alone,
        need(NeedRevised, need_id=posted.need_id, version=2, title=OTHER),
        proposal(ProposalRevised, proposal_id=offered.proposal_id, version=2, title=OTHER),
    )
    assert await types_of(alone, match.match_id) == [*PRESENTED, "MatchRevised"]


async def test_a_revision_keeps_every_match_that_still_fits(alone: Sessions) -> None:
    """More than a new need would be given."""
    posted = need()
    offers = [proposal() for _ in range(12)]
    for offered in offers:
        await happen(alone, posted, offered)
    await happen(alone, need(NeedRevised, need_id=posted.need_id, version=2))
    assert [match.need_version for match in await matches(alone)] == [2] * 12


async def test_a_new_need_is_given_the_best_ten(alone: Sessions) -> None:
    await happen(alone, *(proposal() for _ in range(12)))
    await happen(alone, need())
    assert len(await matches(alone)) == 10


@pytest.mark.parametrize("step", [Step.ACCEPT, Step.DECLINE])
async def test_after_an_answer_revisions_and_a_closed_need_change_nothing(alone: Sessions, step: Step) -> None:
    posted, offered = need(), proposal()
    match = await presented(alone, posted, offered)
    await take_step(alone, match, step, reason="Too late.")
    for version, title in ((2, posted.title), (3, OTHER)):
        await happen(
            alone,
            need(NeedRevised, need_id=posted.need_id, version=version, title=title),
            proposal(ProposalRevised, proposal_id=offered.proposal_id, version=version, title=title),
        )
    await happen(alone, need(NeedClosed, need_id=posted.need_id, version=4))
    assert await types_of(alone, match.match_id) == [*PRESENTED, SAYS[step].__name__]


async def test_a_withdrawal_reaches_what_is_accepted(alone: Sessions) -> None:
    posted, offered = need(), proposal()
    match = await presented(alone, posted, offered)
    await take_step(alone, match, Step.ACCEPT)
    await happen(alone, proposal(ProposalWithdrawn, proposal_id=offered.proposal_id, version=2))
    assert await types_of(alone, match.match_id) == [*PRESENTED, "MatchAccepted", "MatchRetracted"]


async def test_a_replay_says_nothing_new(alone: Sessions) -> None:
    posted, offered = need(), proposal()
    match = await presented(alone, posted, offered)
    async with alone() as db, db.begin():
        await db.execute(text("delete from need"))
        await db.execute(text("delete from proposal"))
    await happen(alone, posted, offered)
    assert await types_of(alone, match.match_id) == PRESENTED


async def test_a_match_says_no_name_and_quotes_no_text(alone: Sessions) -> None:
    posted, offered = need(title="Leachate of a landfill"), proposal(title="Landfill leachate treatment")
    match = await presented(alone, posted, offered)
    words = [posted.title, offered.title, posted.body, offered.body, *map(str, (offered.lead_id, offered.contact_id))]
    for each in await said(alone, match.match_id):
        assert not [word for word in words if word in str(each.body)]


async def test_a_newer_text_that_comes_while_the_old_one_is_embedded_is_matched(alone: Sessions) -> None:
    posted, offered = need(), proposal(title=OTHER)
    await store(alone, posted, offered)
    await embed(alone, await current(alone), "proposal", offered.proposal_id)
    newer = proposal(ProposalRevised, proposal_id=offered.proposal_id, version=2)
    await store(alone, newer)
    now = await current(alone)
    async with alone() as db, db.begin():
        await find_matches(db, now, offered.proposal_id)
    await settle(alone)
    assert [match.proposal_version for match in await matches(alone)] == [2]


async def test_the_trace_a_match_keeps_is_the_proposals_whichever_came_last(alone: Sessions) -> None:
    theirs, ours = (f"00-{uuid4().hex}-00f067aa0ba902b7-01" for _ in range(2))
    offered = proposal(traceparent=theirs)
    await happen(alone, offered)
    match = await presented(alone, need(traceparent=ours), offered)
    assert match.traceparent == theirs


async def test_of_two_sides_that_search_at_once_one_finds_the_match(alone: Sessions) -> None:
    posted, offered = need(), proposal()
    await store(alone, posted, offered)
    await embed(alone, await current(alone), "need", posted.need_id)
    await embed(alone, await current(alone), "proposal", offered.proposal_id)

    now = await current(alone)
    async with alone() as ours, alone() as theirs:
        await find_matches(ours, now, posted.need_id)
        other = asyncio.create_task(find_matches(theirs, now, offered.proposal_id))
        assert await until(lambda: blocked_or_done(alone, other), 30)
        await ours.commit()
        await other
        await theirs.commit()
    match = await match_of(alone, posted, offered)
    assert match
    assert await types_of(alone, match.match_id) == PRESENTED
    assert await waiting(alone) == []


async def test_a_need_that_closes_while_it_is_being_matched_loses_the_match(alone: Sessions) -> None:
    posted, offered = need(), proposal()
    await happen(alone, posted)
    await store(alone, offered)
    await embed(alone, await current(alone), "proposal", offered.proposal_id)

    now = await current(alone)
    async with alone() as ours:
        await find_matches(ours, now, offered.proposal_id)
        closing = asyncio.create_task(happen(alone, need(NeedClosed, need_id=posted.need_id, version=2)))
        assert await until(lambda: blocked_or_done(alone, closing), 30)
        await ours.commit()
        await closing
    match = await match_of(alone, posted, offered)
    assert match
    assert match.state == MatchState.RETRACTED


async def test_who_is_being_changed_meanwhile_decides_later(alone: Sessions) -> None:
    """A worker waits for nobody who stores events, so that the two cannot wait for each other."""
    posted, offered = need(), proposal()
    match = await presented(alone, posted, offered)
    await store(alone, proposal(ProposalRevised, proposal_id=offered.proposal_id, version=2))
    async with alone() as theirs:
        await theirs.execute(text("update need set version = 2"))
        await settle(alone)
        await theirs.rollback()
    assert await types_of(alone, match.match_id) == PRESENTED
