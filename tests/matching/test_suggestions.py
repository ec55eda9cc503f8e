"""A need that no proposal covers wholly: several companies are suggested to cover it together, once."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from sqlalchemy import text

from deploy.waiting import until
from services.matching.composer import OFTEN
from services.matching.current import current
from services.matching.models import Base
from services.matching.parts import learn
from services.matching.rematch import rematch
from services.matching.suggestions import CONSORTIUM, list_of_need, list_suggestions, suggest
from services.matching.workers import match_next
from shared.auth import Caller
from shared.db import Sessions
from shared.events import CompanyRegistered, CompanyRevised, NeedClosed, NeedPosted, NeedRevised
from shared.http import _Page
from shared.problems import Problem
from tests.facts import received
from tests.matching.sides import happen, need, proposal, settle, store, waiting
from tests.matching.test_instances import instance
from tests.tables import wipe

DIGESTION, BOILERS, RESINS = (
    "Anaerobic digestion of sludge",
    "Steam boilers fired with biogas",
    "Ion exchange resins that take up nickel",
)
FAR = "Legal advice on trade marks"


def company(*titles: str, **fields: Any) -> Any:
    """A company that agreed to be suggested, good at these."""
    strongholds = [{"title": title, "challenges": [5]} for title in titles]
    identity = {"company_id": uuid4(), "suggestible": True, "strongholds": strongholds, "province": "limburg"}
    return received(fields.pop("kind", CompanyRegistered), **identity | fields)


def posted(*parts: str, **fields: Any) -> Any:
    """A need of these parts, in words that nobody's proposal answers."""
    return need(fields.pop("kind", NeedPosted), **{"title": FAR, "parts": parts} | fields)


async def told(sessions: Sessions, need_id: UUID) -> list[dict[str, Any]]:
    """What was suggested for a need, in order."""
    query = text("select value from outbox where type = 'ConsortiumSuggested' and key = :key order by id")
    async with sessions() as db:
        return [orjson.loads(value) for value in await db.scalars(query, {"key": str(need_id)})]


def ids(*companies: Any) -> list[str]:
    """Theirs, as an event has them."""
    return [str(each.company_id) for each in companies]


async def test_companies_that_cover_a_need_together_are_suggested_the_one_that_covers_most_leads(
    alone: Sessions,
) -> None:
    first, second, third = company(RESINS), company(DIGESTION, BOILERS, province="antwerp"), company(FAR)
    asked = posted(DIGESTION, BOILERS, RESINS, "Training of operators in Mandarin")
    await happen(alone, first, second, third, asked)
    (event,) = await told(alone, asked.need_id)
    assert event["members"] == ids(second, first)
    assert (event["lead_id"], event["provinces"]) == (str(second.company_id), ["antwerp", "limburg"])
    assert [(each["part"], each["company_id"]) for each in event["coverage"]] == list(
        zip((1, 2, 3), ids(second, second, first), strict=True)
    )
    assert event["gaps"] == [4]
    assert event["score"] == pytest.approx(0.75, abs=0.01)
    assert (event["version"], event["need_version"], event["region"]) == (1, 1, asked.region)
    assert not [words for words in (DIGESTION, RESINS, FAR, first.name) if words in str(event)]
    assert await waiting(alone) == []


async def test_a_company_that_comes_later_completes_a_consortium(alone: Sessions) -> None:
    first, asked = company(DIGESTION), posted(DIGESTION, BOILERS)
    await happen(alone, first, asked)
    assert await told(alone, asked.need_id) == []
    second = company(BOILERS)
    await happen(alone, second)
    (event,) = await told(alone, asked.need_id)
    assert set(event["members"]) == {*ids(first, second)}


async def test_a_proposal_that_comes_later_completes_a_consortium(alone: Sessions) -> None:
    first, second, silent = company(DIGESTION), company(FAR), company(FAR, suggestible=False)
    asked, other = posted(DIGESTION, BOILERS), posted(DIGESTION, RESINS)
    await happen(alone, first, second, silent, asked, other)
    await happen(alone, proposal(title=RESINS, lead_id=silent.company_id))
    await happen(alone, proposal(title=BOILERS, lead_id=second.company_id))
    (event,) = await told(alone, asked.need_id)
    assert set(event["members"]) == {*ids(first, second)}
    assert await told(alone, other.need_id) == []
    assert await waiting(alone) == []


@pytest.mark.parametrize(
    "companies",
    [
        [company(DIGESTION, BOILERS), company(DIGESTION)],
        [company(DIGESTION), company(FAR)],
        [company(DIGESTION), company(BOILERS, suggestible=False)],
    ],
    ids=["one covers everything", "one covers what is covered at all", "one has not agreed"],
)
async def test_one_company_is_no_consortium(alone: Sessions, companies: list[Any]) -> None:
    asked = posted(DIGESTION, BOILERS)
    await happen(alone, *companies, asked)
    assert await told(alone, asked.need_id) == []


@pytest.mark.parametrize("fields", [{"parts": [DIGESTION]}, {"closed": True, "kind": NeedClosed}])
async def test_a_need_of_one_part_or_that_is_closed_has_nobody_suggested(
    alone: Sessions, fields: dict[str, Any]
) -> None:
    asked = posted(DIGESTION, BOILERS, **fields)
    await happen(alone, asked, company(DIGESTION), company(BOILERS))
    assert await told(alone, asked.need_id) == []
    assert await waiting(alone) == []


async def test_a_need_that_a_live_match_covers_wholly_has_nobody_suggested(alone: Sessions) -> None:
    """Its lead brings one part by the title, its summary tells of the other."""
    offered = proposal(title=DIGESTION, summary=BOILERS)
    wholly = need(title=DIGESTION, parts=[DIGESTION, BOILERS])
    partly = need(title=DIGESTION, parts=[DIGESTION, BOILERS, RESINS])
    await happen(alone, company(DIGESTION), company(BOILERS), company(RESINS), offered, wholly, partly)
    assert await told(alone, wholly.need_id) == []
    assert len(await told(alone, partly.need_id)) == 1


@pytest.mark.parametrize(
    ("stated", "kept"),
    [
        ({}, True),
        ({"kind": "interest"}, True),
        ({"maturity": {"trl": 4}}, False),
        ({"regions": ["chengdu"]}, False),
        ({"partnerships": ["sale"]}, False),
    ],
    ids=str,
)
async def test_what_a_company_proposes_counts_if_it_allows_what_the_need_asks(
    alone: Sessions, stated: dict[str, Any], kept: bool
) -> None:
    first, second = company(DIGESTION), company(FAR)
    offered = proposal(title=BOILERS, lead_id=second.company_id, **stated)
    asked = posted(DIGESTION, BOILERS, minimum_trl=6, region="hebei", partnerships=["pilot"])
    await happen(alone, first, second, offered, asked)
    assert [{*event["members"]} for event in await told(alone, asked.need_id)] == [{*ids(first, second)}] * kept


async def test_the_same_companies_are_suggested_once_also_after_a_revision(alone: Sessions) -> None:
    first, second, asked = company(DIGESTION), company(BOILERS), posted(DIGESTION, BOILERS)
    await happen(alone, first, second, asked)
    for version, parts in ((2, [BOILERS, DIGESTION]), (3, [DIGESTION, BOILERS, RESINS])):
        await happen(alone, posted(*parts, kind=NeedRevised, need_id=asked.need_id, version=version))
    await happen(alone, company(DIGESTION, FAR, kind=CompanyRevised, company_id=first.company_id, version=2))
    assert len(await told(alone, asked.need_id)) == 1


async def test_another_set_is_suggested_only_if_it_covers_more(alone: Sessions) -> None:
    first, second, asked = company(DIGESTION), company(BOILERS), posted(DIGESTION, BOILERS, RESINS)
    await happen(alone, first, second, asked, company(BOILERS))
    alike, better = company(DIGESTION, company_id=UUID(int=1)), company(RESINS)
    await happen(alone, alike)
    assert len(await told(alone, asked.need_id)) == 1
    await happen(alone, better)
    (_, event) = await told(alone, asked.need_id)
    assert (event["version"], event["gaps"]) == (2, [])
    assert str(better.company_id) in event["members"]


async def test_when_a_company_takes_its_word_back_others_are_suggested(alone: Sessions) -> None:
    first, second, other = company(DIGESTION), company(BOILERS), company(BOILERS, suggestible=False)
    asked = posted(DIGESTION, BOILERS)
    await happen(alone, first, second, other, asked)
    for each, agrees in ((second, False), (other, True)):
        await happen(
            alone, company(BOILERS, kind=CompanyRevised, company_id=each.company_id, version=2, suggestible=agrees)
        )
    assert [{*event["members"]} for event in await told(alone, asked.need_id)] == [
        {*ids(first, second)},
        {*ids(first, other)},
    ]
    assert await listed(alone, asked, role="company", company_id=second.company_id) == []
    assert len(await listed(alone, asked, role="company", company_id=other.company_id)) == 1


async def test_a_need_has_a_few_suggestions_at_most(alone: Sessions) -> None:
    parts = [DIGESTION, BOILERS, RESINS, "Photovoltaic roofs", "Translation of contracts", "Diving under ice"]
    asked = posted(*parts)
    await happen(alone, asked)
    for part in parts:
        await happen(alone, company(part))
    events = await told(alone, asked.need_id)
    assert [len(event["members"]) for event in events] == [2, 3, 4]
    assert len(events) == OFTEN


async def test_what_a_company_says_while_a_need_is_looked_at_has_it_looked_at_once_more(alone: Sessions) -> None:
    first, asked = company(DIGESTION), posted(DIGESTION, BOILERS)
    await happen(alone, first)
    await store(alone, asked)
    await settle_up_to(alone, CONSORTIUM)
    (row,) = await waiting(alone)
    await store(alone, second := company(BOILERS))
    now = await current(alone)
    (said,) = [each for each in await waiting(alone) if each.id == second.company_id]
    await learn(alone, now, second.company_id, said.version)
    await suggest(alone, now, asked.need_id, row.version)
    assert [each.kind for each in await waiting(alone)] == [CONSORTIUM]
    await settle(alone)
    assert len(await told(alone, asked.need_id)) == 1


async def test_a_look_of_before_does_not_end_one_that_was_asked_for_after_another_had_ended(alone: Sessions) -> None:
    asked = posted(DIGESTION, BOILERS)
    await happen(alone, company(DIGESTION))
    await store(alone, asked)
    await settle_up_to(alone, CONSORTIUM)
    (slow,) = await waiting(alone)
    await settle(alone)
    await store(alone, company(BOILERS))
    await settle_up_to(alone, CONSORTIUM)
    await suggest(alone, await current(alone), asked.need_id, slow.version)
    assert [each.kind for each in await waiting(alone)] == [CONSORTIUM]
    await settle(alone)
    assert len(await told(alone, asked.need_id)) == 1


async def test_a_revision_while_a_need_is_looked_at_has_it_matched_first(alone: Sessions) -> None:
    asked = posted(DIGESTION, BOILERS)
    await happen(alone, company(DIGESTION), company(RESINS))
    await store(alone, asked)
    await settle_up_to(alone, CONSORTIUM)
    (row,) = await waiting(alone)
    await store(alone, posted(DIGESTION, RESINS, kind=NeedRevised, need_id=asked.need_id, version=2))
    await suggest(alone, await current(alone), asked.need_id, row.version)
    assert [each.kind for each in await waiting(alone)] == ["need"]
    await settle(alone)
    assert [event["need_version"] for event in await told(alone, asked.need_id)] == [2]


async def test_nobody_is_suggested_of_a_part_of_what_is_offered(alone: Sessions) -> None:
    """After a refresh of the background: as long as it is not all compared against the new one, the need waits."""
    asked = posted(DIGESTION, BOILERS)
    await happen(alone, company(DIGESTION), company(BOILERS))
    await store(alone, asked)
    await settle_up_to(alone, CONSORTIUM)
    (row,) = await waiting(alone)
    now = await current(alone)
    await suggest(alone, replace(now, version=now.version + 1), asked.need_id, row.version)
    assert await told(alone, asked.need_id) == []
    assert [each.kind for each in await waiting(alone)] == [CONSORTIUM]
    await suggest(alone, now, asked.need_id, row.version)
    assert len(await told(alone, asked.need_id)) == 1


async def test_a_need_that_waits_for_a_consortium_is_matched_anew_before_that(alone: Sessions) -> None:
    await store(alone, asked := posted(DIGESTION, BOILERS))
    await settle_up_to(alone, CONSORTIUM)
    assert await rematch(alone) == 1
    assert [(each.id, each.kind) for each in await waiting(alone)] == [(asked.need_id, "need")]


async def settle_up_to(sessions: Sessions, kind: str) -> None:
    """Match what waits until only rows of this kind do."""
    while any(row.kind != kind for row in await waiting(sessions)):
        assert await match_next(sessions)


async def test_two_instances_suggest_once(alone: Sessions, second_database: Callable[[str], str]) -> None:
    url = second_database("i2pcc_matching")
    async with instance(url) as one, instance(url) as other:
        for _ in range(5):
            needs = [posted(DIGESTION, BOILERS) for _ in range(6)]
            await asyncio.gather(store(one, *needs[:3], company(DIGESTION)), store(other, *needs[3:], company(BOILERS)))

            async def settled() -> bool:
                return not await waiting(alone)

            assert await until(settled, 60)
            assert [len(await told(alone, each.need_id)) for each in needs] == [1] * 6
            await wipe(alone, Base)


async def listed(sessions: Sessions, asked: Any, **claims: Any) -> list[Any]:
    """What somebody sees of a need's suggestions; both routes agree."""
    caller = Caller(sub="someone", **claims)
    async with sessions() as db:
        listed = await list_suggestions(caller, db, _Page(limit=50, after=None))
        if not listed:
            with pytest.raises(Problem) as refused:
                await list_of_need(asked.need_id, caller, db)
            assert refused.value.status == 404
            return []
        mine = await list_of_need(asked.need_id, caller, db)
    assert {each.suggestion_id for each in mine} == {each.suggestion_id for each in listed}
    return mine


async def test_a_suggestion_is_read_by_its_companies_and_their_coordinators_as_long_as_the_need_is_open(
    alone: Sessions,
) -> None:
    first, second = company(DIGESTION, name="Slibwerk"), company(BOILERS, RESINS, province="antwerp", name="Stoom")
    asked = posted(DIGESTION, BOILERS, RESINS)
    await happen(alone, first, second, asked)
    for claims in (
        {"role": "company", "company_id": first.company_id},
        *({"role": "coordinator", "organisation": name} for name in ("limburg", "antwerp", "fit")),
    ):
        (shown,) = await listed(alone, asked, **claims)
        assert [(each.name, each.province) for each in shown.members] == [("Stoom", "antwerp"), ("Slibwerk", "limburg")]
        assert shown.parts == (DIGESTION, BOILERS, RESINS)
    for claims in (
        {"role": "company", "company_id": uuid4()},
        {"role": "coordinator", "organisation": "east_flanders"},
        {"role": "coordinator", "organisation": "other"},
    ):
        assert await listed(alone, asked, **claims) == []
    await happen(alone, posted(RESINS, FAR, kind=NeedRevised, need_id=asked.need_id, version=2))
    (shown,) = await listed(alone, asked, role="company", company_id=first.company_id)
    assert shown.parts is None
    await happen(alone, posted(RESINS, FAR, kind=NeedClosed, need_id=asked.need_id, version=3, closed=True))
    assert await listed(alone, asked, role="company", company_id=first.company_id) == []
