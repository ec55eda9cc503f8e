"""Why a match has its score, and who reads how much of that."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from services.matching.explanation import Explanation, explain_match
from services.matching.life import Step
from services.matching.models import Match
from services.matching.raising import Kind
from shared.auth import Caller, RegionCaller
from shared.db import Sessions
from shared.events import NeedRevised
from shared.problems import Problem
from tests.matching.sides import need, presented, proposal, store, take_step
from tests.matching.test_tiers import people

NEED: dict[str, Any] = {
    "region": "hebei",
    "title": "垃圾渗滤液膜处理",
    "body": "渗滤液中含有全氟化合物。出水COD不高于50 mg/L。需要一座中试装置。",
    "language": "zh",
    "challenges": [4, 5],
    "minimum_trl": 7,
    "partnerships": ["pilot"],
    "capacity": {"amount": 120, "unit": "m³/d"},
}
PROPOSAL: dict[str, Any] = {
    "title": "Membrane treatment of landfill leachate",
    "body": "Our membranes take PFAS out of leachate. A pilot of 1.5 m³/h can be hired.",
    "partnerships": ["pilot"],
    "provinces": ["limburg"],
}


async def explained(sessions: Sessions, match: Match, caller: Caller) -> Explanation:
    """What one of them reads."""
    async with sessions() as db:
        return await explain_match(match.match_id, caller, db)


async def found(sessions: Sessions) -> Match:
    """The match of a Chinese need and an English proposal."""
    return await presented(sessions, need(**NEED), proposal(**PROPOSAL))


def quoted(explanation: Explanation) -> tuple[set[str], set[str]]:
    """The sentences of the need and of the proposal."""
    pairs = explanation.sentences
    return {each.need.quote for each in pairs if each.need}, {each.proposal.quote for each in pairs if each.proposal}


async def test_the_parts_add_up_to_the_score_that_the_match_was_told_with(alone: Sessions) -> None:
    match = await found(alone)
    explanation = await explained(alone, match, people(match)["coordinator"])
    assert explanation.explained == explanation.matched
    assert (explanation.explained.score, explanation.explained.model) == (match.score, match.model)
    assert explanation.note is None
    assert sum(part.points for part in explanation.parts) == pytest.approx(match.score, abs=0.001)


async def test_the_sentences_that_met_are_quoted_from_where_they_stand(alone: Sessions) -> None:
    match = await found(alone)
    explanation = await explained(alone, match, people(match)["coordinator"])
    assert explanation.sentences
    for pair in explanation.sentences:
        for quote, side in ((pair.need, NEED), (pair.proposal, PROPOSAL)):
            assert quote
            assert side[quote.field][quote.start : quote.end] == quote.quote
    assert [each.name for each in explanation.shared] == ["PFAS"]


async def test_what_both_state_is_told_and_what_would_have_raised_it(alone: Sessions) -> None:
    match = await found(alone)
    explanation = await explained(alone, match, people(match)["coordinator"])
    assert ("partnership", "They seek a common kind of partnership") in [(e.kind, e.words) for e in explanation.passed]
    assert explanation.failed == ()
    changes = {each.kind: each for each in explanation.raised_by}
    assert changes.keys() == {Kind.CHALLENGE, Kind.NAMES, Kind.TRL, Kind.CAPACITY}
    assert changes[Kind.NAMES].terms == ("COD",)
    assert (changes[Kind.CHALLENGE].score or 0) > match.score


async def test_a_region_reads_nothing_of_the_proposal_before_it_has_asked(alone: Sessions) -> None:
    match = await found(alone)
    explanation = await explained(alone, match, people(match)["region"])
    ours, theirs = quoted(explanation)
    assert ours
    assert not theirs
    assert explanation.shared == ()
    assert not [each for each in explanation.raised_by if each.terms]
    assert {each.words for each in explanation.passed} == {None}
    async with alone() as db, db.begin():
        (await db.get_one(Match, match.match_id)).interested_at = datetime(2026, 1, 1, tzinfo=UTC)
    assert all(quoted(await explained(alone, match, people(match)["region"])))


@pytest.mark.parametrize(
    "caller",
    [Caller(sub="x", role="operator"), RegionCaller(sub="x", role="partner", region="hebei")],
    ids=["operator", "partner"],
)
async def test_an_operator_and_a_partner_read_no_word_of_the_texts(alone: Sessions, caller: Caller) -> None:
    match = await found(alone)
    told = (await explained(alone, match, caller)).model_dump_json()
    explanation = Explanation.model_validate_json(told)
    assert explanation.sentences
    assert quoted(explanation) == (set(), set())
    held = ["PFAS", "COD", "leachate", "渗滤液", NEED["title"], PROPOSAL["title"]]
    assert not [word for word in held if word in told]


async def test_a_company_reads_no_need_of_a_match_that_was_retracted(alone: Sessions) -> None:
    match = await found(alone)
    assert all(quoted(await explained(alone, match, people(match)["company"])))
    await take_step(alone, match, Step.RETRACT)
    ours, theirs = quoted(await explained(alone, match, people(match)["company"]))
    assert (ours, bool(theirs)) == (set(), True)


async def test_of_newer_texts_it_says_that_the_match_is_of_older_ones(alone: Sessions) -> None:
    match = await found(alone)
    revised = NEED | {"need_id": match.need_id, "version": 2, "title": "Zonnepanelen op daken", "language": "nl"}
    await store(alone, need(NeedRevised, **revised))
    explanation = await explained(alone, match, people(match)["coordinator"])
    assert (explanation.matched.need_version, explanation.explained.need_version) == (1, 2)
    assert explanation.explained.score < explanation.matched.score == match.score
    assert explanation.note == ("The match was made with another version of the need: this explains those held now")


@pytest.mark.parametrize(
    "caller",
    [
        RegionCaller(sub="x", role="region", region="chengdu"),
        Caller(sub="x", role="company", company_id=uuid4()),
        Caller(sub="x", role="coordinator", organisation="antwerp"),
    ],
    ids=["region", "company", "coordinator"],
)
async def test_whose_match_it_is_not_reads_none(alone: Sessions, caller: Caller) -> None:
    match = await found(alone)
    with pytest.raises(Problem) as problem:
        await explained(alone, match, caller)
    assert problem.value.status == 404
