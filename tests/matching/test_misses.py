"""No match is an answer too: what came nearest, and why it is none."""

from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from sqlalchemy import text

from services.matching.life import Step
from services.matching.misses import get_nearest
from services.matching.models import Miss
from services.matching.rules import THRESHOLD
from shared.auth import Caller
from shared.db import Sessions
from shared.events import NeedClosed, NeedRevised, ProposalRevised, ProposalWithdrawn
from shared.problems import Problem
from tests.matching.sides import OTHER, happen, match_of, need, presented, proposal, take_step


async def told(sessions: Sessions, proposal_id: UUID) -> list[dict[str, Any]]:
    """What was said of a proposal that answers no need."""
    query = text("select value from outbox where type = 'NoMatchFound' and key = :key order by id")
    async with sessions() as db:
        return [orjson.loads(value) for value in await db.scalars(query, {"key": str(proposal_id)})]


async def test_a_proposal_that_answers_no_need_is_told_what_came_nearest_and_why_it_is_no_match(
    alone: Sessions,
) -> None:
    posted, offered = need(title=OTHER), proposal()
    await happen(alone, posted, offered)
    (event,) = await told(alone, offered.proposal_id)
    (near,) = event["nearest"]
    assert (near["need_id"], near["region"], near["challenges"]) == (str(posted.need_id), posted.region, [4])
    assert near["failed"] == [f"The score of {near['score']} is below {THRESHOLD}"]
    assert not [word for word in (posted.title, posted.body, offered.title, offered.body) if word in str(event)]
    async with alone() as db:
        kept = await db.get_one(Miss, offered.proposal_id)
    assert (kept.version, kept.nearest) == (1, [near | {"raised_by": []}])


async def test_what_would_have_brought_a_need_nearer_is_told_to_those_of_the_proposal_alone(alone: Sessions) -> None:
    posted = need(title=f"{OTHER}, without PFAS", challenges=[3, 4], minimum_trl=7)
    offered = proposal(provinces=["limburg"])
    await happen(alone, posted, offered)
    async with alone() as db:
        reader = Caller(sub="x", role="coordinator", organisation="limburg")
        (near,) = (await get_nearest(offered.proposal_id, reader, db)).nearest
    assert [words.partition(" it would be")[0].partition(":")[0] for words in near.raised_by] == [
        "If the proposal comes under challenge 3 too (air treatment in buildings),",
        "The need uses 1 technical name that the proposal does not",
        "The proposal states no technology readiness level; the need asks for one. Stated,",
    ]
    assert "PFAS" not in str(near)
    assert "raised_by" not in str(await told(alone, offered.proposal_id))


async def test_without_any_need_there_is_nothing_near(alone: Sessions) -> None:
    offered = proposal()
    await happen(alone, offered)
    assert [each["nearest"] for each in await told(alone, offered.proposal_id)] == [[]]


async def test_at_most_five_are_told_of(alone: Sessions) -> None:
    await happen(alone, *(need(title=f"{OTHER} {number}") for number in range(7)))
    offered = proposal()
    await happen(alone, offered)
    (event,) = await told(alone, offered.proposal_id)
    scores = [near["score"] for near in event["nearest"]]
    assert len(scores) == 5
    assert scores == sorted(scores, reverse=True)


async def test_it_is_said_once_of_each_version(alone: Sessions) -> None:
    offered = proposal()
    await happen(alone, offered)
    async with alone() as db, db.begin():
        await db.execute(text("delete from proposal"))
    await happen(alone, offered)
    assert [each["version"] for each in await told(alone, offered.proposal_id)] == [1]
    await happen(alone, proposal(ProposalRevised, proposal_id=offered.proposal_id, version=2))
    assert [each["version"] for each in await told(alone, offered.proposal_id)] == [1, 2]


async def test_a_need_that_comes_later_still_finds_it(alone: Sessions) -> None:
    posted, offered = need(), proposal()
    await happen(alone, offered)
    assert len(await told(alone, offered.proposal_id)) == 1
    await happen(alone, posted)
    match = await match_of(alone, posted, offered)
    assert match
    assert match.state == "presented"


async def test_a_match_is_no_miss(alone: Sessions) -> None:
    offered = proposal()
    await presented(alone, need(), offered)
    await happen(alone, proposal(ProposalRevised, proposal_id=offered.proposal_id, version=2))
    assert await told(alone, offered.proposal_id) == []


async def test_while_something_may_still_come_of_another_match_nothing_is_missed(alone: Sessions) -> None:
    posted, offered = need(), proposal()
    match = await presented(alone, posted, offered)
    await take_step(alone, match, Step.ACCEPT)
    await happen(alone, need(NeedClosed, need_id=posted.need_id, version=2))
    await happen(alone, proposal(ProposalRevised, proposal_id=offered.proposal_id, version=2))
    assert await told(alone, offered.proposal_id) == []


async def test_what_has_ended_counts_no_more(alone: Sessions) -> None:
    posted, offered = need(), proposal()
    match = await presented(alone, posted, offered)
    await take_step(alone, match, Step.DECLINE, reason="Not now.")
    await happen(alone, need(NeedClosed, need_id=posted.need_id, version=2))
    await happen(alone, proposal(ProposalRevised, proposal_id=offered.proposal_id, version=2))
    assert [each["version"] for each in await told(alone, offered.proposal_id)] == [2]


async def test_nor_does_it_while_its_need_is_still_open(alone: Sessions) -> None:
    posted, offered = need(), proposal()
    match = await presented(alone, posted, offered)
    await take_step(alone, match, Step.DECLINE, reason="Not now.")
    await happen(alone, proposal(ProposalRevised, proposal_id=offered.proposal_id, version=2))
    assert [each["version"] for each in await told(alone, offered.proposal_id)] == [2]


async def test_a_withdrawn_proposal_misses_nothing(alone: Sessions) -> None:
    offered = proposal()
    await happen(alone, offered)
    await happen(alone, proposal(ProposalWithdrawn, proposal_id=offered.proposal_id, version=2))
    assert [each["version"] for each in await told(alone, offered.proposal_id)] == [1]


async def test_a_constraint_makes_a_miss_and_one_that_is_dropped_a_match(alone: Sessions) -> None:
    posted, offered = (
        need(minimum_trl=8, partnerships=["licence"]),
        proposal(maturity={"trl": 7}, partnerships=["sale"]),
    )
    await happen(alone, posted, offered)
    ((near,),) = [each["nearest"] for each in await told(alone, offered.proposal_id)]
    assert near["failed"] == [
        "The need asks for technology readiness level 8; the proposal has 7",
        "They seek different kinds of partnership",
    ]
    await happen(
        alone, need(NeedRevised, need_id=posted.need_id, version=2, minimum_trl=None, partnerships=["licence", "sale"])
    )
    assert await match_of(alone, posted, offered)


async def test_a_proposal_meets_no_need_of_a_region_that_it_does_not_prefer(alone: Sessions) -> None:
    here, there = need(region="hebei"), need(region="chengdu")
    offered = proposal(regions=["chengdu"])
    await happen(alone, here, there, offered)
    assert await match_of(alone, here, offered) is None
    assert await match_of(alone, there, offered)


async def test_members_and_their_coordinators_read_what_came_nearest_and_nobody_else(alone: Sessions) -> None:
    offered, lucky = proposal(title=OTHER, provinces=["limburg"]), proposal()
    await happen(alone, need(), offered, lucky)
    company, coordinator = Caller(sub="x", role="company", company_id=offered.lead_id), someone("limburg")
    async with alone() as db:
        for reader in (company, coordinator):
            missed = await get_nearest(offered.proposal_id, reader, db)
            assert (missed.version, len(missed.nearest)) == (1, 1)
        matched = await get_nearest(lucky.proposal_id, company, db)
        assert (matched.version, matched.nearest) == (None, ())
        for stranger in (Caller(sub="x", role="company", company_id=uuid4()), someone("antwerp")):
            with pytest.raises(Problem) as refused:
                await get_nearest(offered.proposal_id, stranger, db)
            assert refused.value.status == 404


def someone(organisation: str) -> Caller:
    """One of its coordinators."""
    return Caller(sub="x", role="coordinator", organisation=organisation)


async def test_numbers_that_both_sides_state_are_checked_in_the_units_they_stand_in(alone: Sessions) -> None:
    posted = need(capacity={"amount": 5_000, "unit": "m³/d"}, budget={"most": 8_000_000, "currency": "CNY"})
    offered = proposal(
        scale="1 tot 10 m³/uur", language="nl", price={"least": 2_000_000, "most": 3_000_000, "currency": "EUR"}
    )
    await happen(alone, posted, offered)
    (event,) = await told(alone, offered.proposal_id)
    assert event["nearest"][0]["failed"][:2] == [
        "The need asks for 5000 m³/d; the proposal's scale ends at 240 m³/d",
        "The price of at least €2,000,000 is above the budget of CNY 8,000,000 (about €1,030,000)",
    ]
