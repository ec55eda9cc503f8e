"""A coordinator decides by exception: what goes to the region at once, and what waits."""

import pytest

from services.matching.life import Step
from services.matching.models import MatchVersion
from shared.db import Sessions
from shared.events import NeedRevised, ProposalRevised
from shared.history import history
from tests.matching.sides import (
    OTHER,
    happen,
    let_through,
    match_of,
    need,
    presented,
    proposal,
    said,
    take_step,
    types_of,
)

DISTANT = "Treating water from dumps"
LIMIT = 0.62
"""Between its score with one of the need's five challenges in common, and with all."""


@pytest.mark.parametrize(
    ("provinces", "organisation"), [(["limburg", "antwerp"], "limburg"), (["other"], "cleantech_flanders")]
)
async def test_the_leads_organisation_says_what_waits_for_it(
    alone: Sessions, provinces: list[str], organisation: str
) -> None:
    await let_through(alone, organisation, None)
    match = await presented(alone, need(), proposal(provinces=provinces))
    assert (match.state, match.presented, match.answer_by, match.due_at) == ("found", False, None, None)
    assert {each.topic for each in await said(alone, match.match_id)} == {"i2pcc.matches.v1"}


async def test_another_members_organisation_does_not(alone: Sessions) -> None:
    await let_through(alone, "antwerp", None)
    match = await presented(alone, need(), proposal(provinces=["limburg", "antwerp"]))
    assert match.state == "presented"


async def test_what_waits_is_presented_when_a_revision_lifts_it_over_the_threshold(alone: Sessions) -> None:
    await let_through(alone, "limburg", LIMIT)
    posted, offered = need(challenges=[4, 5, 6, 7, 8]), proposal(provinces=["limburg"], title=DISTANT)
    match = await presented(alone, posted, offered)
    assert (match.state, match.score < LIMIT) == ("found", True)
    better = {"provinces": ["limburg"], "challenges": [4, 5, 6, 7, 8], "title": DISTANT}
    await happen(alone, proposal(ProposalRevised, proposal_id=offered.proposal_id, version=2, **better))
    assert await types_of(alone, match.match_id) == ["MatchFound", "MatchRevised", "MatchPresented"]


async def test_what_waits_is_its_new_coordinators_when_the_lead_has_moved(alone: Sessions) -> None:
    await let_through(alone, "limburg", None)
    posted, offered = need(), proposal(provinces=["limburg"])
    match = await presented(alone, posted, offered)
    await happen(alone, proposal(ProposalRevised, proposal_id=offered.proposal_id, version=2, provinces=["antwerp"]))
    assert await types_of(alone, match.match_id) == ["MatchFound", "MatchRevised", "MatchPresented"]


async def test_what_is_found_again_is_let_through_anew(alone: Sessions) -> None:
    """The region knows of a match that was retracted; of what has come of it only once it is presented again."""
    posted, offered = need(), proposal(provinces=["limburg"])
    match = await presented(alone, posted, offered)
    await happen(alone, need(NeedRevised, need_id=posted.need_id, version=2, title=OTHER))
    await let_through(alone, "limburg", None)
    await happen(alone, need(NeedRevised, need_id=posted.need_id, version=3))
    again = await match_of(alone, posted, offered)
    assert again
    assert (again.state, again.presented) == ("found", False)
    await take_step(alone, match, Step.VETO)
    regional = [each.type for each in await said(alone, match.match_id) if each.topic != "i2pcc.matches.v1"]
    assert regional == ["MatchPresented", "MatchRetracted"]


async def test_each_step_is_kept_with_who_took_it(alone: Sessions) -> None:
    match = await presented(alone, need(), proposal())
    await take_step(alone, match, Step.ACCEPT, by="region of hebei")
    async with alone() as db:
        versions = await history(db, MatchVersion, match.match_id)
    assert [(each.version, each.type, each.by) for each in versions] == [
        (1, "MatchFound", "platform"),
        (2, "MatchPresented", "platform"),
        (3, "MatchAccepted", "region of hebei"),
    ]
    assert [each.facts["state"] for each in versions] == ["found", "presented", "accepted"]
