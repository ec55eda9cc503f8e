"""How much of a text is shown to whom, from matching's copies of what intake and regions said."""

from typing import Any
from uuid import uuid4

import pytest

from services.matching.api import Seen, show_interest
from services.matching.life import Step
from services.matching.models import Match
from services.matching.tiers import (
    ShownNeed,
    ShownProposal,
    get_matched_need,
    get_matched_proposal,
    get_teaser,
    list_teasers,
)
from shared.auth import Caller, RegionCaller
from shared.db import Sessions
from shared.events import NeedRevised, ProposalKind, ProposalWithdrawn
from shared.http import _Page
from shared.problems import Problem
from shared.vocabulary import Challenge
from tests.matching.sides import OTHER, happen, need, presented, proposal, take_step

ANYONE = Caller(sub="someone", role="region", region="hebei")
RICH: dict[str, Any] = {
    "title": "Membranes that clean themselves",
    "body": "Of landfill leachate, with a reference in Genk.",
    "teaser": "summary",
    "summary": "Half the power of others.",
    "maturity": {"trl": 8, "evidence": "Two plants"},
    "intellectual_property": "patented",
    "partnerships": ["licence", "pilot"],
    "scale": "1 to 50 m³/h",
    "price": {"least": 90_000, "most": 400_000, "currency": "EUR"},
    "working_languages": ["en", "zh"],
    "regions": ["guangdong", "hebei"],
}
ASKED: dict[str, Any] = {
    "region": "hebei",
    "title": RICH["title"],
    "body": "From our old dump.",
    "organisation": "Baoding Water",
    "parts": ["a membrane", "its cleaning"],
    "capacity": {"amount": 120.5, "unit": "m³/d"},
    "budget": {"most": 2_000_000, "currency": "CNY"},
    "minimum_trl": 7,
    "evidence": ["a reference plant"],
    "partnerships": ["pilot"],
    "deadline": "2030-05-01",
}


def people(match: Match) -> dict[str, Caller]:
    """Those whom a match concerns."""
    return {
        "region": RegionCaller(sub="x", role="region", region=match.region),
        "company": Caller(sub="x", role="company", company_id=match.members[0]),
        "coordinator": Caller(sub="x", role="coordinator", organisation="limburg"),
    }


async def rich_match(sessions: Sessions) -> Match:
    """The match of a need and a proposal that say all they can."""
    return await presented(sessions, need(**ASKED), proposal(provinces=["limburg"], **RICH))


async def shown_proposal(sessions: Sessions, match: Match, role: str) -> ShownProposal:
    """What one of them reads of the proposal."""
    async with sessions() as db:
        return await get_matched_proposal(match.match_id, people(match)[role], db)


async def shown_need(sessions: Sessions, match: Match, role: str) -> ShownNeed:
    """What one of them reads of the need."""
    async with sessions() as db:
        return await get_matched_need(match.match_id, people(match)[role], db)


@pytest.mark.parametrize(
    ("level", "title", "summary"),
    [
        ("challenges", None, None),
        ("title", RICH["title"], None),
        ("summary", RICH["title"], RICH["summary"]),
    ],
)
async def test_a_teaser_shows_what_its_owner_chose(
    alone: Sessions, level: str, title: str | None, summary: str | None
) -> None:
    offered = proposal(**RICH | {"teaser": level, "kind": "interest"})
    await happen(alone, offered)
    async with alone() as db:
        teaser = await get_teaser(offered.proposal_id, ANYONE, db)
    assert (teaser.title, teaser.summary) == (title, summary)
    assert (teaser.kind, teaser.challenges, teaser.trl) == (ProposalKind.INTEREST, (4,), 8)


async def test_a_teaser_ends_with_its_proposal(alone: Sessions) -> None:
    offered = proposal()
    await happen(alone, offered, proposal(ProposalWithdrawn, proposal_id=offered.proposal_id, version=2))
    async with alone() as db:
        with pytest.raises(Problem):
            await get_teaser(offered.proposal_id, ANYONE, db)
        assert await list_teasers(ANYONE, db, _Page()) == []


async def test_teasers_are_listed_by_challenge_and_kind(alone: Sessions) -> None:
    one, other = proposal(challenges=[4, 5]), proposal(kind="interest", challenges=[5])
    await happen(alone, one, other)
    queries: list[tuple[dict[str, Any], set[Any]]] = [
        ({}, {one.proposal_id, other.proposal_id}),
        ({"challenge": Challenge.INDUSTRIAL_WATER}, {one.proposal_id}),
        ({"kind": ProposalKind.INTEREST}, {other.proposal_id}),
        ({"challenge": Challenge.INDUSTRIAL_WATER, "kind": ProposalKind.INTEREST}, set()),
    ]
    async with alone() as db:
        for query, expected in queries:
            assert {each.proposal_id for each in await list_teasers(ANYONE, db, _Page(), **query)} == expected


async def test_the_details_are_the_regions_once_it_has_shown_interest(alone: Sessions) -> None:
    match = await rich_match(alone)
    before = await shown_proposal(alone, match, "region")
    assert (before.details, before.teaser.title) == (None, RICH["title"])
    async with alone() as db, db.begin():
        await show_interest(match.match_id, Seen(version=2), people(match)["region"], db)  # type: ignore[arg-type]
    after = await shown_proposal(alone, match, "region")
    assert after.details
    said = after.details.model_dump(mode="json")
    expected = {name: value for name, value in RICH.items() if name not in ("teaser", "summary", "regions")}
    assert said == expected | {"version": 1, "language": "en"}
    hidden = [str(each) for each in match.members]
    assert not [each for each in hidden if each in after.model_dump_json()]


async def test_showing_interest_is_told_nobody_and_changes_no_version(alone: Sessions) -> None:
    match = await rich_match(alone)
    region = people(match)["region"]
    for _ in "12":
        async with alone() as db, db.begin():
            shown = await show_interest(match.match_id, Seen(version=2), region, db)  # type: ignore[arg-type]
            assert (shown.version, shown.state) == (2, "presented")


@pytest.mark.parametrize(("step", "open_"), [(Step.ACCEPT, True), (Step.DECLINE, False), (Step.VETO, False)])
async def test_the_details_stay_open_as_long_as_the_match_holds(alone: Sessions, step: Step, open_: bool) -> None:
    match = await rich_match(alone)
    async with alone() as db, db.begin():
        await show_interest(match.match_id, Seen(version=2), people(match)["region"], db)  # type: ignore[arg-type]
    await take_step(alone, match, step, reason="Not now.")
    assert bool((await shown_proposal(alone, match, "region")).details) is open_


@pytest.mark.parametrize("role", ["company", "coordinator"])
async def test_members_and_coordinators_always_read_the_details(alone: Sessions, role: str) -> None:
    shown = await shown_proposal(alone, await rich_match(alone), role)
    assert shown.details
    assert shown.details.body == RICH["body"]


@pytest.mark.parametrize("role", ["region", "company", "coordinator"])
async def test_a_need_is_shown_with_all_it_asks_for_and_its_organisation_after_a_positive_answer(
    alone: Sessions, role: str
) -> None:
    match = await rich_match(alone)
    shown = (await shown_need(alone, match, role)).model_dump(mode="json")
    named = ASKED["organisation"] if role == "region" else None
    assert {name: shown[name] for name in ASKED} == ASKED | {"organisation": named}
    await take_step(alone, match, Step.ACCEPT)
    assert (await shown_need(alone, match, role)).organisation == ASKED["organisation"]


async def test_a_company_reads_no_need_that_its_proposal_answers_no_more(alone: Sessions) -> None:
    posted, offered = need(), proposal(provinces=["limburg"])
    match = await presented(alone, posted, offered)
    await happen(alone, need(NeedRevised, need_id=posted.need_id, version=2, title=OTHER))
    assert (await shown_need(alone, match, "region")).title == OTHER
    with pytest.raises(Problem) as refused:
        await shown_need(alone, match, "company")
    assert refused.value.status == 404


async def test_nobody_else_reads_either_text(alone: Sessions) -> None:
    match = await rich_match(alone)
    strangers = [
        Caller(sub="x", role="company", company_id=uuid4()),
        Caller(sub="x", role="region", region="shaanxi"),
        Caller(sub="x", role="coordinator", organisation="antwerp"),
    ]
    async with alone() as db:
        for stranger in strangers:
            for read in (get_matched_need, get_matched_proposal):
                with pytest.raises(Problem) as refused:
                    await read(match.match_id, stranger, db)
                assert refused.value.status == 404
