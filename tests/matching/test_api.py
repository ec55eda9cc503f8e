"""A match over HTTP: who sees it, who answers it, and what the topics say of it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

import httpx
import orjson
import pytest
import pytest_asyncio

from deploy.people import Person
from deploy.waiting import until
from services.matching.rules import match_id
from shared.events import MatchFound
from shared.vocabulary import Region, Role
from tests.browser import Browser, check_problem, region_with_contact, registered_company
from tests.factories import company_person, need_body, need_revision, proposal_body, region_person, someone
from tests.topics import events_of, published, records_on

TITLE = "Sorting of mixed plastic waste by near infrared light"
NAME = "Schoonsorteer NV"


@dataclass
class Pair:
    """A need and a proposal that belong together, and those who wrote them."""

    region: Browser
    company: Browser
    need: Any
    proposal: Any

    @classmethod
    async def of(cls, anyone: Browser) -> Self:
        """Have a region and a company write the two, at the same moment."""
        region, region_contact = await region_with_contact(anyone, Region.CHENGDU)
        company, company_contact = await registered_company(anyone, name=NAME)
        fields = {"title": TITLE, "challenges": [7]}
        need, proposal = await asyncio.gather(
            region.done("regions", "/v1/needs", need_body(region_contact, **fields)),
            company.done("intake", "/v1/proposals", proposal_body(company_contact, **fields)),
        )
        return cls(region, company, need, proposal)

    async def match(self, state: str = "presented") -> Any:
        """Their match, once it is in that state."""
        found: dict[str, Any] = {}

        async def reached() -> bool:
            answer = await self.region.read("matching", f"/v1/matches/{self.match_id}")
            found.update(answer.json())
            return found.get("state") == state

        assert await until(reached, 60), found
        return found

    @property
    def match_id(self) -> UUID:
        """The id of their match."""
        return match_id(UUID(self.need["need_id"]), UUID(self.proposal["proposal_id"]))

    async def answer(self, verb: str, version: int, by: Browser | None = None, **more: Any) -> httpx.Response:
        """Accept or decline."""
        path = f"/v1/matches/{self.match_id}/{verb}"
        answer: httpx.Response = await (by or self.region).send("matching", path, {"version": version} | more)
        return answer


@pytest_asyncio.fixture
async def pair(operator: Browser) -> AsyncIterator[Pair]:
    """A pair of its own for each test; afterwards nothing else matches it."""
    made = await Pair.of(operator)
    yield made
    closure = {"version": made.need["version"], "reason": "cancelled"}
    await made.region.send("regions", f"/v1/needs/{made.need['need_id']}/close", closure)
    await made.company.send("intake", f"/v1/proposals/{made.proposal['proposal_id']}/withdraw")


async def test_a_positive_answer_is_taken_and_tells_the_new_version(pair: Pair) -> None:
    match = await pair.match()
    accepted = (await pair.answer("accept", match["version"])).json()
    assert (accepted["state"], accepted["version"]) == ("accepted", match["version"] + 1)


async def test_an_answer_to_an_old_version_is_told_to_read_again(pair: Pair) -> None:
    match = await pair.match()
    stale = await pair.answer("accept", match["version"] - 1)
    assert "read it again before you answer" in check_problem(stale, 409)["detail"]
    assert (await pair.match())["version"] == match["version"]


async def test_a_second_answer_is_told_what_is_possible_now(pair: Pair) -> None:
    match = await pair.match()
    await pair.answer("decline", match["version"], reason="The plant was closed.")
    second = check_problem(await pair.answer("accept", match["version"]), 409)
    assert second["detail"] == "This match is declined; only a presented match can be answered."


async def test_of_two_answers_at_once_one_counts(pair: Pair) -> None:
    version = (await pair.match())["version"]
    answers = await asyncio.gather(
        pair.answer("accept", version), pair.answer("decline", version, reason="The plant was closed.")
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_another_regions_match_cannot_be_seen_or_answered(pair: Pair) -> None:
    match = await pair.match()
    other = pair.region.of(region_person(Region.SHAANXI))
    check_problem(await pair.answer("accept", match["version"], by=other), 404)
    check_problem(await pair.answer("decline", match["version"], by=other, reason="Not ours."), 404)
    check_problem(await other.read("matching", f"/v1/matches/{pair.match_id}"), 404)


@pytest.mark.parametrize("person", [company_person(), someone(Role.COORDINATOR, "fit"), someone(Role.OPERATOR)])
async def test_only_a_region_answers(pair: Pair, person: Person) -> None:
    match = await pair.match()
    check_problem(await pair.answer("accept", match["version"], by=pair.region.of(person)), 403)


async def test_a_match_is_seen_by_its_parties_and_coordinators_alone(pair: Pair) -> None:
    await pair.match()
    may = [
        pair.region.person,
        pair.company.person,
        someone(Role.COORDINATOR, "flemish_brabant"),
        someone(Role.COORDINATOR, "cleantech_flanders"),
        someone(Role.COORDINATOR, "fit"),
        someone(Role.OPERATOR),
    ]
    may_not = [
        region_person(Region.SHAANXI),
        company_person(),
        someone(Role.COORDINATOR, "limburg"),
        someone(Role.PARTNER),
    ]
    for person in (*may, *may_not):
        browser = pair.region.of(person)
        read = await browser.read("matching", f"/v1/matches/{pair.match_id}")
        listed = await browser.read("matching", "/v1/matches", need_id=pair.need["need_id"])
        assert (read.is_success, len(listed.json())) == ((True, 1) if person in may else (False, 0)), person


async def test_a_match_has_every_version_once_on_the_topics_and_quotes_nobody(pair: Pair) -> None:
    await pair.match()
    revised = need_revision(need_body(pair.need["contact_id"], title=TITLE, challenges=[7, 5]), 1)
    await pair.region.done("regions", f"/v1/needs/{pair.need['need_id']}", revised, method="PUT")

    async def revises() -> bool:
        return bool((await pair.match())["need_version"] == 2)

    assert await until(revises, 60)
    await pair.answer("accept", (await pair.match())["version"])
    await pair.match("introduced")

    said = await events_of(pair.region.platform, MatchFound, pair.match_id)
    assert [(type(event).__name__, event.version) for event in said] == [
        ("MatchFound", 1),
        ("MatchPresented", 2),
        ("MatchRevised", 3),
        ("MatchAccepted", 4),
        ("MatchIntroduced", 5),
    ]
    assert await _regional_versions(pair) == [2, 3, 4, 5]


async def _regional_versions(pair: Pair) -> list[int]:
    """The versions of a match on its region's topic, where no name and no text may be."""
    platform, topic = pair.region.platform, f"i2pcc.matches.{Region.CHENGDU}.v1"
    await published(platform, topic)
    values = [
        record.value for record in await records_on(platform, [topic]) if record.key == str(pair.match_id).encode()
    ]
    texts = [NAME, TITLE, *(pair.proposal[name] for name in ("body", "lead_id", "contact_id")), pair.need["contact_id"]]
    assert not [text for text in texts if any(text.encode() in value for value in values)]
    return [orjson.loads(value)["version"] for value in values]
