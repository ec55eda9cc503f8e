"""Missions over HTTP: their programme, the questions asked on them, and the needs that come of those."""

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from shared.events import MissionFacts
from shared.vocabulary import Region, Role
from tests.browser import Browser, check_problem, region_with_contact
from tests.factories import company_person, lead_body, mission_body, mission_revision, region_person, someone
from tests.regions.visits import match_of
from tests.tables import superuser
from tests.topics import events_of

MISSIONS = "/v1/missions"
PAST = {"starts": "2019-02-20", "ends": "2019-03-10", "programme": []}


@pytest_asyncio.fixture
async def coordinator(operator: Browser) -> Browser:
    """Who plans missions of Limburg."""
    return operator.of(someone(Role.COORDINATOR, "limburg"))


async def planned(coordinator: Browser, **changes: Any) -> tuple[str, Any]:
    """A new mission's path, and the mission."""
    mission = await coordinator.done("regions", MISSIONS, mission_body(**changes))
    return f"{MISSIONS}/{mission['mission_id']}", mission


async def asked(browser: Browser, path: str, **changes: Any) -> Any:
    """A question that was recorded, as the last of those that this person sees."""
    return (await browser.done("regions", f"{path}/leads", lead_body(**changes)))["leads"][-1]


async def listed(browser: Browser, mission: str) -> Any:
    """A mission, as it stands in this person's list."""
    before = str(UUID(int=UUID(mission).int - 1))
    (row,) = (await browser.read("regions", MISSIONS, limit=1, after=before)).json()
    return row


async def test_a_mission_is_planned_and_revised_with_a_version_each(coordinator: Browser) -> None:
    path, mission = await planned(coordinator, regions=["hebei", "guangdong"], provinces=["limburg", "antwerp"])
    assert (mission["version"], mission["leads"]) == (1, [])
    assert (mission["regions"], mission["provinces"]) == (["guangdong", "hebei"], ["antwerp", "limburg"])
    visit, seminar = mission["programme"]
    revision = mission_revision(mission, 1, title="Water alone")
    revision["programme"] = [revision["programme"][1], {**revision["programme"][0], "title": "Another depot"}]
    revised = await coordinator.done("regions", path, revision, method="PUT")
    assert (revised["version"], revised["title"]) == (2, "Water alone")
    assert revised["programme"] == [visit | {"title": "Another depot"}, seminar]
    assert (await coordinator.read("regions", path)).json() == revised
    said = await events_of(coordinator.platform, MissionFacts, mission["mission_id"])
    assert [type(event).__name__ for event in said] == ["MissionPlanned", "MissionRevised"]
    assert [event.model_dump(mode="json") for event in said] == [mission, revised]


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("ends", {"ends": "2019-01-01"}),
        ("programme.0.on", {"starts": "2019-01-01", "ends": "2019-01-02"}),
        ("provinces", {"provinces": ["antwerp"]}),
        ("provinces", {"provinces": []}),
        ("regions", {"regions": []}),
        ("regions.0", {"regions": ["limburg"]}),
        ("direction", {"direction": "sideways"}),
        ("programme.0.kind", {"programme": [{"kind": "dinner"}]}),
        ("programme", {"programme": mission_body()["programme"] * 21}),
        ("leads", {"leads": []}),
    ],
)
async def test_a_plan_that_does_not_go_together_is_refused(coordinator: Browser, field: str, change: Any) -> None:
    check_problem(await coordinator.send("regions", MISSIONS, mission_body(**change)), 422, f"body.{field}")


async def test_a_stop_of_another_mission_is_no_stop_of_this_one(coordinator: Browser) -> None:
    path, mission = await planned(coordinator)
    _, other = await planned(coordinator)
    revision = mission_revision(mission, 1, programme=mission_revision(other, 1)["programme"])
    answer = await coordinator.send("regions", path, revision, method="PUT")
    check_problem(answer, 422, "body.programme.0.stop_id")


async def test_a_mission_is_changed_by_coordinators_of_its_provinces_and_of_the_network(operator: Browser) -> None:
    limburg, antwerp, fit = (operator.of(someone(Role.COORDINATOR, of)) for of in ("limburg", "antwerp", "fit"))
    path, mission = await planned(limburg)
    revision = mission_revision(mission, 1)
    check_problem(await antwerp.send("regions", path, revision, method="PUT"), 404)
    check_problem(await antwerp.send("regions", f"{path}/leads", lead_body()), 404)
    assert (await antwerp.read("regions", path)).json() == mission
    await fit.done("regions", path, revision, method="PUT")


async def test_of_two_revisions_at_once_one_is_told_to_read_again(coordinator: Browser) -> None:
    path, mission = await planned(coordinator)
    revision = mission_revision(mission, 1)
    answers = await asyncio.gather(*(coordinator.send("regions", path, revision, method="PUT") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert all("at version 2" in answer.json()["detail"] for answer in answers if answer.is_error)


async def test_many_record_questions_at_once_and_none_is_lost(operator: Browser, coordinator: Browser) -> None:
    path, mission = await planned(coordinator)
    people = [coordinator, *(operator.of(region_person(Region.GUANGDONG)) for _ in range(4))]
    questions = [f"Who dries sludge {uuid4()}?" for _ in people]
    pairs = zip(people, questions, strict=True)
    await asyncio.gather(*(asked(each, path, question=question) for each, question in pairs))
    now = (await coordinator.read("regions", path)).json()
    assert (now["version"], {lead["question"] for lead in now["leads"]}) == (6, set(questions))
    said = await events_of(operator.platform, MissionFacts, mission["mission_id"])
    assert [(type(event).__name__, event.version) for event in said[1:]] == [("LeadRecorded", at) for at in range(2, 7)]


async def test_a_region_sees_its_own_questions_and_a_company_the_programme_alone(
    operator: Browser, coordinator: Browser
) -> None:
    path, mission = await planned(coordinator, regions=["guangdong", "hebei"])
    guangdong, hebei = (operator.of(region_person(region)) for region in (Region.GUANGDONG, Region.HEBEI))
    ours, theirs = await asked(guangdong, path), await asked(coordinator, path, region="hebei")
    for reader in (coordinator, operator):
        assert (await reader.read("regions", path)).json()["leads"] == [ours, theirs]
    assert (await guangdong.read("regions", path)).json()["leads"] == [ours]
    assert (await hebei.read("regions", path)).json()["leads"] == [theirs]
    company = (await operator.of(company_person()).read("regions", path)).json()
    assert (company["leads"], company["programme"]) == ([], mission["programme"])
    check_problem(await operator.of(region_person(Region.CHENGDU)).read("regions", path), 404)


async def test_a_region_records_its_own_questions_at_stops_of_the_programme(
    operator: Browser, coordinator: Browser
) -> None:
    path, mission = await planned(coordinator, regions=["guangdong", "hebei"])
    guangdong = operator.of(region_person(Region.GUANGDONG))
    stop = mission["programme"][0]["stop_id"]
    assert (await asked(guangdong, path, stop_id=stop))["stop_id"] == stop
    for field, wrong in (
        ("region", "hebei"),
        ("region", "chengdu"),
        ("stop_id", str(uuid4())),
        ("question", "?" * 1001),
    ):
        answer = await guangdong.send("regions", f"{path}/leads", lead_body(**{field: wrong}))
        check_problem(answer, 422, f"body.{field}")
    without = mission_revision(mission, 2, programme=[])
    check_problem(await coordinator.send("regions", path, without, method="PUT"), 422, "body.programme")


async def test_a_mission_that_is_over_changes_no_more_but_still_gets_leads(coordinator: Browser) -> None:
    path, mission = await planned(coordinator, **PAST)
    problem = check_problem(await coordinator.send("regions", path, mission_revision(mission, 1), method="PUT"), 409)
    assert "is over: revise is not possible; possible now: record a lead" in problem["detail"]
    assert await asked(coordinator, path)


async def test_a_question_becomes_a_draft_and_the_need_that_is_posted_knows_where_it_came_from(
    operator: Browser, coordinator: Browser
) -> None:
    region, contact = await region_with_contact(operator, Region.GUANGDONG)
    path, mission = await planned(coordinator)
    lead = await asked(coordinator, path, language="zh", question="谁能干化镍污泥？我们只有蒸汽。", challenges=[7, 5])
    draft = await region.done("regions", f"{path}/leads/{lead['lead_id']}/draft")
    origin = {"mission_id": mission["mission_id"], "lead_id": lead["lead_id"]}
    title, body = "谁能干化镍污泥？", lead["question"]
    assert draft["content"] == {"title": title, "body": body, "language": "zh", "challenges": [5, 7]}
    assert draft["origin"] == origin
    filled = draft["content"] | {"contact_id": contact, "version": 1}
    at = f"/v1/need-drafts/{draft['draft_id']}"
    assert (await region.done("regions", at, filled, method="PUT"))["origin"] == origin
    need = await region.done("regions", f"{at}/post", {"version": 2})
    assert (need["origin"], need["need_id"]) == (origin, draft["draft_id"])
    now = (await coordinator.read("regions", path)).json()
    assert now["leads"] == [lead | {"need_id": need["need_id"]}]
    *_, last = await events_of(operator.platform, MissionFacts, mission["mission_id"])
    assert (type(last).__name__, last.model_dump(mode="json")) == ("LeadRecorded", now)


async def test_a_revision_of_a_need_keeps_where_it_came_from(operator: Browser, coordinator: Browser) -> None:
    region, contact = await region_with_contact(operator, Region.GUANGDONG)
    path, _ = await planned(coordinator)
    lead = await asked(region, path)
    draft = await region.done("regions", f"{path}/leads/{lead['lead_id']}/draft")
    filled = draft["content"] | {"contact_id": contact, "version": 1}
    at = f"/v1/need-drafts/{draft['draft_id']}"
    await region.done("regions", at, filled, method="PUT")
    need = await region.done("regions", f"{at}/post", {"version": 2})
    revised = await region.done("regions", f"/v1/needs/{need['need_id']}", filled, method="PUT")
    assert revised["origin"] == need["origin"]


async def test_of_two_drafts_of_one_question_one_becomes_the_need(operator: Browser, coordinator: Browser) -> None:
    region, contact = await region_with_contact(operator, Region.GUANGDONG)
    path, mission = await planned(coordinator)
    lead = f"{path}/leads/{(await asked(region, path))['lead_id']}/draft"
    drafts = [await region.done("regions", lead) for _ in "12"]
    for draft in drafts:
        filled = draft["content"] | {"contact_id": contact, "version": 1}
        await region.done("regions", f"/v1/need-drafts/{draft['draft_id']}", filled, method="PUT")
    posts = (region.send("regions", f"/v1/need-drafts/{draft['draft_id']}/post", {"version": 2}) for draft in drafts)
    answers = await asyncio.gather(*posts)
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert "A need came of this lead already" in check_problem(await region.send("regions", lead), 409)["detail"]
    stranger = operator.of(region_person(Region.HEBEI))
    check_problem(await stranger.send("regions", lead), 404)
    assert len(await events_of(operator.platform, MissionFacts, mission["mission_id"])) == 3


async def test_a_question_of_another_region_is_no_draft_of_ones_own(operator: Browser, coordinator: Browser) -> None:
    path, _ = await planned(coordinator, regions=["guangdong", "hebei"])
    lead = await asked(coordinator, path, region="hebei")
    region = operator.of(region_person(Region.GUANGDONG))
    check_problem(await region.send("regions", f"{path}/leads/{lead['lead_id']}/draft"), 404)


async def test_a_visit_is_about_a_match_that_its_coordinator_may_read(operator: Browser, coordinator: Browser) -> None:
    match = await match_of(operator, Region.GUANGDONG)
    path, mission = await planned(coordinator, regions=["guangdong", "hebei"])
    visit, seminar = (f"{path}/stops/{stop['stop_id']}/match" for stop in mission["programme"])
    body = {"match_id": match, "version": 1}
    assert "seminar" in check_problem(await coordinator.send("regions", seminar, body), 409)["detail"]
    check_problem(await coordinator.send("regions", f"{path}/stops/{uuid4()}/match", body), 404)
    check_problem(await coordinator.send("regions", visit, body | {"version": 2}), 409)
    check_problem(await coordinator.send("regions", visit, body | {"match_id": str(uuid4())}), 422, "body.match_id")
    linked = await coordinator.done("regions", visit, body)
    assert [stop["match_id"] for stop in linked["programme"]] == [match, None]
    revised = await coordinator.done("regions", path, mission_revision(linked, 2), method="PUT")
    assert revised["programme"] == linked["programme"]
    guangdong, hebei = (operator.of(region_person(region)) for region in (Region.GUANGDONG, Region.HEBEI))
    for reader, seen in ((guangdong, match), (hebei, None), (operator.of(company_person()), None)):
        for shown in ((await reader.read("regions", path)).json(), await listed(reader, mission["mission_id"])):
            assert [stop["match_id"] for stop in shown["programme"]] == [seen, None]
    said = await events_of(operator.platform, MissionFacts, mission["mission_id"])
    assert [type(event).__name__ for event in said] == ["MissionPlanned", "MissionRevised", "MissionRevised"]


async def test_a_match_of_others_or_one_that_has_ended_is_not_visited(operator: Browser, coordinator: Browser) -> None:
    antwerps = await match_of(operator, Region.GUANGDONG, "antwerp")
    hebeis, ended = await match_of(operator, Region.HEBEI), await match_of(operator, Region.GUANGDONG)
    async with superuser(operator.platform) as connection:
        await connection.execute("update regions.match set state = 'declined' where match_id = $1", ended)
    path, mission = await planned(coordinator)
    visit = f"{path}/stops/{mission['programme'][0]['stop_id']}/match"
    for match, status in ((antwerps, 422), (hebeis, 422), (ended, 409)):
        check_problem(await coordinator.send("regions", visit, {"match_id": match, "version": 1}), status)


async def test_missions_are_listed_page_by_page(operator: Browser, coordinator: Browser) -> None:
    made = {(await planned(coordinator, regions=["chengdu"]))[1]["mission_id"] for _ in range(3)}
    chengdu = operator.of(region_person(Region.CHENGDU))
    seen: list[str] = []
    while page := (await chengdu.read("regions", MISSIONS, limit=2, **({"after": seen[-1]} if seen else {}))).json():
        assert all("chengdu" in mission["regions"] for mission in page)
        seen += [mission["mission_id"] for mission in page]
    assert seen == sorted(set(seen))
    assert made <= set(seen)


async def test_a_mission_of_next_month_can_be_revised(coordinator: Browser) -> None:
    starts, ends = (date.today() + timedelta(days=days) for days in (30, 40))
    path, mission = await planned(coordinator, starts=str(starts), ends=str(ends), programme=[])
    later = mission_revision(mission, 1, ends=str(ends + timedelta(days=1)))
    assert (await coordinator.done("regions", path, later, method="PUT"))["ends"] == later["ends"]
