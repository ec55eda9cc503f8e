"""Who could bring a part: companies that agreed to be suggested, by what they are good at."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from services.matching.current import current
from services.matching.models import Stronghold
from services.matching.parts import LEAST, OpenPart, learn, list_candidates
from shared.auth import Caller
from shared.db import Sessions
from shared.events import CompanyRegistered, CompanyRevised, ConsortiumClosed, ConsortiumOpened
from shared.problems import Problem
from tests.facts import received
from tests.matching.sides import happen, proposal, settle, store, waiting

PART = "Anaerobic digestion of sludge"
FAR = "Legal advice on trade marks"


def company(**fields: Any) -> Any:
    """A company that agreed to be suggested, good at the very thing."""
    strongholds = [{"title": title, "challenges": [5]} for title in fields.pop("titles", [PART])]
    return received(
        fields.pop("kind", CompanyRegistered),
        **{"company_id": uuid4(), "suggestible": True, "strongholds": strongholds, "province": "limburg"} | fields,
    )


def consortium(**fields: Any) -> Any:
    """A consortium that still looks for one part."""
    wanted = [{"part_id": uuid4(), "title": PART}]
    fields = {"consortium_id": uuid4(), "parts": [], "wanted": wanted, "closed": False} | fields
    return received(fields.pop("kind", ConsortiumOpened), **fields)


async def asked(sessions: Sessions, puzzle: Any, **caller: Any) -> list[OpenPart]:
    """What the lead, or another caller, is told."""
    claims = caller or {"role": "company", "company_id": puzzle.lead_id}
    async with sessions() as db:
        return await list_candidates(puzzle.consortium_id, Caller(sub="someone", **claims), db)


async def found(sessions: Sessions, puzzle: Any) -> list[UUID]:
    """The companies that are suggested for its only open part."""
    (part,) = await asked(sessions, puzzle)
    return [candidate.company_id for candidate in part.candidates]


async def test_a_company_is_suggested_for_what_it_is_good_at_the_nearest_first(alone: Sessions) -> None:
    near, nearer, far = company(titles=["Treatment of sludge"]), company(name="Slibwerk"), company(titles=[FAR])
    puzzle = consortium()
    await happen(alone, near, nearer, far, puzzle)
    (part,) = await asked(alone, puzzle)
    assert (part.part_id, part.title) == (puzzle.wanted[0].part_id, PART)
    assert [candidate.company_id for candidate in part.candidates] == [nearer.company_id, near.company_id]
    first = part.candidates[0]
    assert (first.name, first.province, first.source, first.title) == ("Slibwerk", "limburg", "stronghold", PART)
    assert first.closeness > 0.9
    assert LEAST <= part.candidates[1].closeness < first.closeness


async def test_only_who_agreed_and_is_not_in_the_consortium_is_suggested(alone: Sessions) -> None:
    lead, inside, silent, other = company(), company(), company(suggestible=False), company()
    declined = {"part_id": uuid4(), "title": PART, "company_id": inside.company_id, "state": "declined"}
    puzzle = consortium(lead_id=lead.company_id, parts=[declined], wanted=[])
    await happen(alone, lead, inside, silent, other, puzzle)
    assert await found(alone, puzzle) == [other.company_id]


async def test_a_part_that_somebody_brings_or_is_asked_to_bring_is_not_looked_for(alone: Sessions) -> None:
    parts = [
        {"part_id": uuid4(), "title": PART, "company_id": uuid4(), "state": state} for state in ("open", "confirmed")
    ]
    puzzle = consortium(parts=parts, wanted=[])
    await happen(alone, company(), puzzle)
    assert await asked(alone, puzzle) == []


async def test_once_its_proposal_is_submitted_nobody_is_looked_for(alone: Sessions) -> None:
    puzzle = consortium()
    await happen(alone, company(), puzzle)
    same = {"consortium_id": puzzle.consortium_id, "lead_id": puzzle.lead_id}
    await happen(alone, consortium(kind=ConsortiumClosed, version=2, closed=True, **same))
    assert await asked(alone, puzzle) == []


@pytest.mark.parametrize(("teaser", "title"), [("title", PART), ("challenges", None)])
async def test_an_expression_of_interest_counts_too_and_shows_what_its_teaser_shows(
    alone: Sessions, teaser: str, title: str | None
) -> None:
    one, puzzle = company(titles=[FAR]), consortium()
    interest = proposal(kind="interest", lead_id=one.company_id, title=PART, teaser=teaser)
    await happen(alone, one, interest, puzzle)
    (part,) = await asked(alone, puzzle)
    (candidate,) = part.candidates
    assert (candidate.company_id, candidate.source, candidate.title) == (one.company_id, "interest", title)


async def test_a_proposal_in_full_is_nobodys_offer_to_take_part(alone: Sessions) -> None:
    one, puzzle = company(titles=[FAR]), consortium()
    await happen(alone, one, proposal(lead_id=one.company_id, title=PART), puzzle)
    assert await found(alone, puzzle) == []


async def test_at_most_five_are_suggested_each_once(alone: Sessions) -> None:
    puzzle = consortium()
    await happen(alone, *(company(titles=[PART, PART]) for _ in range(7)), puzzle)
    suggested = await found(alone, puzzle)
    assert len(suggested) == len(set(suggested)) == 5


async def test_what_a_company_no_longer_says_counts_no_more(alone: Sessions) -> None:
    one, puzzle = company(titles=[FAR, PART]), consortium()
    await happen(alone, one, puzzle)
    assert await found(alone, puzzle) == [one.company_id]
    await happen(alone, company(kind=CompanyRevised, company_id=one.company_id, version=2, titles=[FAR]))
    assert await found(alone, puzzle) == []


async def test_what_was_said_while_the_old_was_embedded_is_learnt_by_its_own_task(alone: Sessions) -> None:
    one = company(titles=[FAR])
    await store(alone, one)
    (earlier,) = await waiting(alone)
    await store(alone, company(kind=CompanyRevised, company_id=one.company_id, version=2))
    await learn(alone, await current(alone), one.company_id, earlier.version)
    assert len(await waiting(alone)) == 1
    await settle(alone)
    async with alone() as db:
        assert (await db.get_one(Stronghold, (one.company_id, 0))).title == PART


async def test_only_the_lead_and_its_coordinators_are_told(alone: Sessions) -> None:
    lead = company(suggestible=False)
    puzzle = consortium(lead_id=lead.company_id)
    await happen(alone, lead, puzzle)
    for organisation in ("limburg", "fit"):
        assert await asked(alone, puzzle, role="coordinator", organisation=organisation)
    strangers = ({"role": "coordinator", "organisation": "antwerp"}, {"role": "company", "company_id": uuid4()})
    for stranger in strangers:
        with pytest.raises(Problem) as refused:
            await asked(alone, puzzle, **stranger)
        assert refused.value.status == 404
