"""A match over HTTP: who sees it, who answers it, and what the topics say of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
import pytest_asyncio

from deploy.people import Person
from deploy.waiting import until
from shared.events import MatchFound
from shared.vocabulary import Region, Role
from tests.browser import JSON, Browser, check_problem
from tests.factories import company_person, need_body, need_revision, region_person, someone
from tests.matching.pairs import NAME, TITLE, Pair
from tests.tables import superuser
from tests.topics import events_of, published, records_on


@pytest_asyncio.fixture
async def pair(operator: Browser) -> AsyncIterator[Pair]:
    """A pair of its own for each test; afterwards nothing else matches it."""
    made = await Pair.of(operator)
    yield made
    await made.end()


async def test_a_positive_answer_is_taken_and_tells_the_new_version(pair: Pair) -> None:
    match = await pair.match()
    accepted = (await pair.answer("accept", match["version"])).json()
    assert (accepted["state"], accepted["version"]) == ("accepted", match["version"] + 1)


async def test_an_answer_to_an_old_version_is_told_to_read_again(pair: Pair) -> None:
    match = await pair.match()
    stale = await pair.answer("accept", match["version"] - 1)
    assert "read it again before you decide" in check_problem(stale, 409)["detail"]
    assert (await pair.match())["version"] == match["version"]


async def test_a_second_answer_is_told_what_is_possible_now(pair: Pair) -> None:
    match = await pair.match()
    await pair.answer("decline", match["version"], reason="The plant was closed.")
    second = check_problem(await pair.answer("accept", match["version"]), 409)
    assert second["detail"] == "This match is declined. What a region can do with it now: nothing."


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


async def test_a_veto_keeps_the_region_from_answering(pair: Pair) -> None:
    version = (await pair.match())["version"]
    vetoed = await pair.answer("veto", version, by=pair.coordinator, objection="not_mature", note="Ask again in May.")
    match = vetoed.json()
    assert (match["state"], match["objection"], match["by"]) == (
        "vetoed",
        "not_mature",
        "coordinator of flemish_brabant",
    )
    assert "note" not in match
    check_problem(await pair.answer("accept", match["version"]), 409)


async def test_a_reminder_is_counted_and_the_version_it_made_is_the_one_to_answer(pair: Pair) -> None:
    version = (await pair.match())["version"]
    reminded = (await pair.answer("remind", version, by=pair.coordinator)).json()
    assert (reminded["reminders"], reminded["version"], reminded["state"]) == (1, version + 1, "presented")
    check_problem(await pair.answer("accept", version), 409)
    assert (await pair.answer("accept", version + 1)).is_success


@pytest.mark.parametrize("organisation", ["limburg", "cleantech_flanders", "fit"])
@pytest.mark.parametrize("step", ["shortlist", "veto", "remind", "outcome"])
async def test_only_the_leads_own_coordinator_takes_steps(pair: Pair, organisation: str, step: str) -> None:
    version = (await pair.match())["version"]
    more = {"veto": {"objection": "other"}, "outcome": {"outcome": "pilot"}}.get(step, {})
    other = pair.region.of(someone(Role.COORDINATOR, organisation))
    check_problem(await pair.answer(step, version, by=other, **more), 404)


async def test_what_came_of_an_introduction_is_told_again_when_more_has_come_of_it(pair: Pair) -> None:
    await pair.answer("accept", (await pair.match())["version"])
    version = (await pair.match("introduced"))["version"]
    starts = (datetime.now(UTC) + timedelta(days=20)).isoformat()
    meeting = {"starts": starts, "minutes": 90, "place": "Chengdu, room of Mr Li"}
    told = await pair.answer("outcome", version, by=pair.company, outcome="meeting", meeting=meeting, note="At last.")
    assert (told.json()["state"], told.json()["outcome"]) == ("reported", "meeting")
    nothing = await pair.answer("outcome", version + 1, outcome="nothing", objection="too_expensive")
    assert (nothing.json()["outcome"], nothing.json()["objection"]) == ("nothing", "too_expensive")
    again = await pair.answer("outcome", version + 2, by=pair.coordinator, outcome="contract")
    assert (again.json()["outcome"], again.json()["objection"]) == ("contract", None)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"outcome": "nothing"}, "body.objection"),
        ({"outcome": "pilot", "objection": "other"}, "body.objection"),
        ({"outcome": "meeting", "meeting": {"starts": "2020-01-01T10:00:00Z", "minutes": 60}}, "body.meeting.starts"),
        ({"outcome": "meeting", "meeting": {"starts": "2030-01-01T10:00:00", "minutes": 60}}, "body.meeting.starts"),
        ({"outcome": "meeting", "meeting": {"starts": "2030-01-01T10:00Z", "minutes": 0}}, "body.meeting.minutes"),
    ],
)
async def test_an_outcome_that_does_not_go_together_is_named(pair: Pair, more: dict[str, Any], field: str) -> None:
    await pair.answer("accept", (await pair.match())["version"])
    version = (await pair.match("introduced"))["version"]
    check_problem(await pair.answer("outcome", version, **more), 422, field)


async def test_the_history_tells_each_what_is_for_them(pair: Pair) -> None:
    await pair.answer("decline", (await pair.match())["version"], reason="Ms Wang has left.", objection="not_now")

    async def told(by: Browser) -> list[tuple[int, str, str | None]]:
        versions = (await pair.read("/history", by)).json()
        return [(each["version"], each["by"], each["facts"].get("reason")) for each in versions]

    found, shown = (1, "platform", None), (2, "platform", None)
    whole, wordless = (3, "region of chengdu", "Ms Wang has left."), (3, "region of chengdu", None)
    assert await told(pair.region) == [shown, whole]
    assert await told(pair.region.of(Person(name="x", role=Role.PARTNER, region=Region.CHENGDU))) == [shown, wordless]
    assert await told(pair.company) == await told(pair.coordinator) == [found, shown, whole]
    assert await told(pair.region.of(someone(Role.OPERATOR))) == [found, shown, wordless]


async def test_what_waits_for_its_coordinator_is_seen_by_the_region_once_shortlisted(operator: Browser) -> None:
    coordinator = operator.of(someone(Role.COORDINATOR, "antwerp"))
    held = (await coordinator.read("matching", "/v1/presentation")).json()
    waits = {"version": held["version"], "threshold": None}
    set_to = await coordinator.done("matching", "/v1/presentation", waits, method="PUT")
    assert set_to == {"organisation": "antwerp", "version": held["version"] + 1, "threshold": None}
    check_problem(await coordinator.send("matching", "/v1/presentation", waits, method="PUT"), 409)
    pair = await Pair.of(operator, province="antwerp")
    try:
        match = await pair.match("found")
        check_problem(await pair.read("", pair.region), 404)
        check_problem(await pair.answer("accept", match["version"]), 404)
        shortlisted = (await pair.answer("shortlist", match["version"], by=coordinator)).json()
        assert (shortlisted["state"], shortlisted["version"]) == ("presented", match["version"] + 2)
        assert [each["type"] for each in (await pair.read("/history", pair.region)).json()] == ["MatchPresented"]
        check_problem(await pair.answer("shortlist", match["version"] + 2, by=coordinator), 409)
    finally:
        back = {"version": held["version"] + 1, "threshold": held["threshold"]}
        await coordinator.done("matching", "/v1/presentation", back, method="PUT")
        await pair.end()


@pytest.mark.parametrize("organisation", ["fit", "brussels"])
async def test_who_decides_on_nothing_has_nothing_to_set(operator: Browser, organisation: str) -> None:
    other = operator.of(someone(Role.COORDINATOR, organisation))
    check_problem(await other.read("matching", "/v1/presentation"), 403)
    draft = {"version": 0, "threshold": 0.5}
    check_problem(await other.send("matching", "/v1/presentation", draft, method="PUT"), 403)


@pytest.mark.parametrize("threshold", [-0.01, 1.01, float("nan"), "high"])
async def test_a_threshold_is_between_0_and_1(operator: Browser, threshold: object) -> None:
    coordinator = operator.of(someone(Role.COORDINATOR, "antwerp"))
    body = json.dumps({"version": 0, "threshold": threshold}).encode()
    answer = await coordinator.send("matching", "/v1/presentation", method="PUT", content=body, headers=JSON)
    check_problem(answer, 422, "body.threshold")


async def test_the_running_service_looks_at_the_clock_by_itself(pair: Pair) -> None:
    version = (await pair.match())["version"]
    async with superuser(pair.region.platform) as connection:
        await connection.execute(
            "update matching.match set due_at = now() - interval '1 second' where match_id = $1", pair.match_id
        )

    async def reminded() -> bool:
        match = (await pair.read("", pair.region)).json()
        return (match["reminders"], match["version"], match["by"]) == (1, version + 1, "platform")

    assert await until(reminded, 30)
