"""Fit per part: who of a proposal covers which of a need's parts, and who reads how much of that."""

from typing import Any
from uuid import uuid4

import pytest

from services.matching.composer import COVERED
from services.matching.coverage import ShownPart, get_parts
from services.matching.life import Step
from services.matching.models import Match
from services.matching.rules import match_id
from shared.auth import Caller
from shared.db import Sessions
from shared.events import ConsortiumClosed
from shared.problems import Problem
from shared.vocabulary import Region
from tests.facts import received
from tests.matching.sides import happen, need, presented, proposal, take_step

LEACHATE, DIGESTION, BOILERS = (
    "Membrane treatment of landfill leachate",
    "Anaerobic digestion of sludge",
    "Steam boilers fired with biogas",
)


async def shown(sessions: Sessions, asked: Any, offered: Any, **claims: Any) -> list[ShownPart]:
    """What somebody reads of the match's parts."""
    async with sessions() as db:
        return await get_parts(match_id(asked.need_id, offered.proposal_id), Caller(sub="x", **claims), db)


def puzzle(*parts: tuple[str, str]) -> tuple[Any, Any]:
    """A consortium of these titles and states, and its proposal."""
    brought = [{"part_id": uuid4(), "title": title, "company_id": uuid4(), "state": state} for title, state in parts]
    made = received(ConsortiumClosed, consortium_id=uuid4(), parts=brought, wanted=[], closed=True)
    members = [made.lead_id, *(part.company_id for part in made.parts)]
    offered = proposal(
        consortium_id=made.consortium_id, lead_id=made.lead_id, members=members, provinces=["limburg"] * len(members)
    )
    return made, offered


async def test_each_contributor_covers_what_it_brings_and_the_rest_is_open(alone: Sessions) -> None:
    made, offered = puzzle((BOILERS, "declined"), (DIGESTION, "confirmed"))
    asked = need(parts=[DIGESTION, LEACHATE, BOILERS])
    await happen(alone, made, asked, offered)
    found = await shown(alone, asked, offered, role="company", company_id=offered.lead_id)
    assert [(each.part, each.contributor, each.company_id, each.brings) for each in found] == [
        (1, 2, made.parts[1].company_id, DIGESTION),
        (2, 1, offered.lead_id, LEACHATE),
        (3, None, None, None),
    ]
    assert [each.title for each in found] == [DIGESTION, LEACHATE, BOILERS]
    assert [each.closeness for each in found[:2]] == pytest.approx([1, 1], abs=0.03)
    assert found[2].closeness < COVERED


async def test_a_lone_proposal_covers_by_its_title_and_its_summary(alone: Sessions) -> None:
    asked, offered = need(parts=[LEACHATE, BOILERS, DIGESTION]), proposal(summary=BOILERS)
    await happen(alone, asked, offered)
    found = await shown(alone, asked, offered, role="coordinator", organisation="fit")
    assert [each.contributor for each in found] == [1, 1, None]


async def test_a_need_without_parts_has_none(alone: Sessions) -> None:
    asked, offered = need(), proposal()
    await happen(alone, asked, offered)
    assert await shown(alone, asked, offered, role="company", company_id=offered.lead_id) == []


async def test_a_region_never_learns_who_contributes_and_in_which_words_once_it_has_shown_interest(
    alone: Sessions,
) -> None:
    made, offered = puzzle((DIGESTION, "confirmed"))
    asked = need(parts=[DIGESTION, LEACHATE], region=Region.HEBEI)
    region = {"role": "region", "region": Region.HEBEI}
    await happen(alone, made)
    match = await presented(alone, asked, offered)
    before = await shown(alone, asked, offered, **region)
    assert [(each.contributor, each.company_id, each.brings) for each in before] == [(2, None, None), (1, None, None)]
    async with alone() as db, db.begin():
        (await db.get_one(Match, match.match_id)).interested_at = made.envelope.time
    after = await shown(alone, asked, offered, **region)
    assert [(each.company_id, each.brings) for each in after] == [(None, DIGESTION), (None, LEACHATE)]


async def test_only_who_may_read_the_match_reads_its_parts(alone: Sessions) -> None:
    asked, offered = need(parts=[LEACHATE], region=Region.HEBEI), proposal()
    match = await presented(alone, asked, offered)
    strangers: tuple[dict[str, Any], ...] = (
        {"role": "company", "company_id": uuid4()},
        {"role": "region", "region": Region.CHENGDU},
        {"role": "coordinator", "organisation": "other"},
    )
    for claims in strangers:
        with pytest.raises(Problem) as refused:
            await shown(alone, asked, offered, **claims)
        assert refused.value.status == 404
    await take_step(alone, match, Step.RETRACT)
    with pytest.raises(Problem) as refused:
        await shown(alone, asked, offered, role="company", company_id=offered.lead_id)
    assert refused.value.status == 404
