"""Needs over HTTP, and what regions says of them."""

import asyncio
from datetime import date, timedelta
from uuid import uuid4

import pytest

from shared.events import NeedFacts
from shared.vocabulary import Region
from tests.browser import Browser, check_problem, region_with_contact
from tests.factories import need_body, need_revision, region_person
from tests.topics import events_of

NEEDS = "/v1/needs"
FULL = {
    "organisation": "Foshan Nanhai Buses",
    "parts": ["An electrolyser", "A compressor"],
    "site": "Nanhai, Foshan",
    "industry": "Public transport",
    "capacity": {"amount": 800, "unit": "kg/d"},
    "budget": {"most": 60_000_000, "currency": "CNY"},
    "minimum_trl": 8,
    "evidence": ["24 months of availability"],
    "partnerships": ["licence", "sale"],
    "original": {"title": "绿氢", "body": "现场制氢加氢。", "language": "zh"},
}
"""All that a need may say besides."""


def closure(version: int, reason: str = "fulfilled") -> dict[str, object]:
    """Why a need is closed."""
    return {"version": version, "reason": reason}


async def test_a_need_is_posted_revised_and_closed_with_a_version_each(operator: Browser) -> None:
    region, contact = await region_with_contact(operator)
    draft = need_body(contact, challenges=[7, 6], deadline=None)
    need = await region.done("regions", NEEDS, draft)
    assert (need["region"], need["challenges"], need["deadline"]) == ("hebei", [6, 7], None)
    path = f"{NEEDS}/{need['need_id']}"
    revised = await region.done("regions", path, need_revision(draft, 1, title="Lessons in etching"), method="PUT")
    assert (revised["version"], revised["title"]) == (2, "Lessons in etching")
    closed = await region.done("regions", f"{path}/close", closure(2, "postponed"))
    assert (closed["closed"], closed["closing"]) == (True, "postponed")
    assert (await region.read("regions", path)).json() == closed
    said = await events_of(operator.platform, NeedFacts, need["need_id"])
    assert [(type(event).__name__, event.version) for event in said] == [
        ("NeedPosted", 1),
        ("NeedRevised", 2),
        ("NeedClosed", 3),
    ]
    assert [event.model_dump(mode="json") for event in said] == [need, revised, closed]


async def test_a_closed_need_stays_closed(operator: Browser) -> None:
    region, contact = await region_with_contact(operator)
    draft = need_body(contact)
    path = f"{NEEDS}/{(await region.done('regions', NEEDS, draft))['need_id']}"
    await region.done("regions", f"{path}/close", closure(1))
    for answer in (
        await region.send("regions", path, need_revision(draft, 2), method="PUT"),
        await region.send("regions", f"{path}/close", closure(2)),
    ):
        assert "closed" in check_problem(answer, 409)["detail"]


@pytest.mark.parametrize("days", [0, -1, -100_000])
async def test_a_deadline_of_the_past_is_refused_and_told_what_is_allowed(operator: Browser, days: int) -> None:
    region, contact = await region_with_contact(operator)
    past = (date.today() + timedelta(days=days)).isoformat()
    draft = need_body(contact)
    refused = [await region.send("regions", NEEDS, draft | {"deadline": past})]
    path = f"{NEEDS}/{(await region.done('regions', NEEDS, draft))['need_id']}"
    refused.append(await region.send("regions", path, need_revision(draft, 1, deadline=past), method="PUT"))
    for answer in refused:
        assert "must be after today" in check_problem(answer, 422, "body.deadline")["detail"]


async def test_the_contact_is_the_regions_own(operator: Browser) -> None:
    region, contact = await region_with_contact(operator)
    _, foreign = await region_with_contact(operator, Region.SHAANXI)
    for other in (foreign, uuid4()):
        check_problem(await region.send("regions", NEEDS, need_body(other)), 422, "body.contact_id")
    colleague = operator.of(region_person())
    await colleague.done("regions", NEEDS, need_body(contact))


async def test_a_person_acts_in_its_own_region_alone(operator: Browser) -> None:
    region, contact = await region_with_contact(operator)
    draft = need_body(contact)
    need = await region.done("regions", NEEDS, draft)
    foreigner, own = await region_with_contact(operator, Region.SHAANXI)
    path = f"{NEEDS}/{need['need_id']}"
    check_problem(await foreigner.read("regions", path), 404)
    check_problem(await foreigner.send("regions", f"{path}/close", closure(1)), 404)
    check_problem(await foreigner.read("regions", f"{path}/history"), 404)
    revision = need_revision(draft, 1, contact_id=own)
    check_problem(await foreigner.send("regions", path, revision, method="PUT"), 404)
    assert (await operator.of(region_person()).read("regions", path)).json() == need


async def test_a_need_never_changes_its_region(operator: Browser) -> None:
    region, contact = await region_with_contact(operator)
    for body in (need_body(contact, region="shaanxi"), need_revision(need_body(contact), 1, region="shaanxi")):
        check_problem(await region.send("regions", NEEDS, body), 422, "body.region")


@pytest.mark.parametrize("version", [0, 2, -1, 10**30])
async def test_a_revision_of_another_version_is_refused(operator: Browser, version: int) -> None:
    region, contact = await region_with_contact(operator)
    draft = need_body(contact)
    path = f"{NEEDS}/{(await region.done('regions', NEEDS, draft))['need_id']}"
    problem = check_problem(await region.send("regions", path, need_revision(draft, version), method="PUT"), 409)
    assert "at version 1" in problem["detail"]


async def test_of_a_revision_and_a_closing_at_once_the_versions_have_no_gap(operator: Browser) -> None:
    region, contact = await region_with_contact(operator)
    draft = need_body(contact)
    need = await region.done("regions", NEEDS, draft)
    path = f"{NEEDS}/{need['need_id']}"
    revisions = [region.send("regions", path, need_revision(draft, 1), method="PUT") for _ in range(4)]
    closings = [region.send("regions", f"{path}/close", closure(1)) for _ in range(4)]
    answers = await asyncio.gather(*revisions, *closings)
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    said = await events_of(operator.platform, NeedFacts, need["need_id"])
    assert [event.version for event in said] == [1, 2]
    history = (await region.read("regions", f"{path}/history")).json()
    assert [(each["version"], each["type"]) for each in history] == [(e.version, type(e).__name__) for e in said]


async def test_needs_are_listed_page_by_page_within_the_region(operator: Browser) -> None:
    region, contact = await region_with_contact(operator, Region.CHENGDU)
    made = {(await region.done("regions", NEEDS, need_body(contact)))["need_id"] for _ in range(3)}
    seen: list[str] = []
    page = (await region.read("regions", NEEDS, limit=2)).json()
    while page:
        assert {need["region"] for need in page} == {"chengdu"}
        seen += [need["need_id"] for need in page]
        page = (await region.read("regions", NEEDS, limit=2, after=seen[-1])).json()
    assert seen == sorted(set(seen))
    assert made <= set(seen)


async def test_all_that_a_need_says_is_kept_and_told(operator: Browser) -> None:
    region, contact = await region_with_contact(operator)
    draft = need_body(contact, **FULL)
    need = await region.done("regions", NEEDS, draft | {"partnerships": ["sale", "licence", "sale"]})
    assert FULL.items() <= need.items()
    path = f"{NEEDS}/{need['need_id']}"
    assert (await region.read("regions", path)).json() == need
    bare = await region.done("regions", path, need_revision(need_body(contact), 1), method="PUT")
    assert not [name for name in FULL if bare[name]]
    (told, _) = await events_of(operator.platform, NeedFacts, need["need_id"])
    assert told.model_dump(mode="json") == need


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("capacity.amount", {"amount": 0, "unit": "t/d"}),
        ("capacity.amount", {"amount": 1e308, "unit": "t/d"}),
        ("capacity.unit", {"amount": 1, "unit": " "}),
        ("capacity.unit", {"amount": 1}),
        ("capacity.per", {"amount": 1, "unit": "t", "per": "d"}),
        ("budget.most", {"most": 0, "currency": "EUR"}),
        ("budget.most", {"most": 10**30, "currency": "EUR"}),
        ("budget.currency", {"most": 1, "currency": "USD"}),
        ("minimum_trl", 0),
        ("minimum_trl", 10),
        ("parts", ["x"] * 11),
        ("parts.0", [""]),
        ("evidence", ["x"] * 11),
        ("partnerships.0", ["marriage"]),
        ("original.language", {"title": "x", "body": "y", "language": "en"}),
        ("original.language", {"title": "x", "body": "y", "language": "fr"}),
        ("original.body", {"title": "x", "language": "zh"}),
        ("site", "x" * 501),
    ],
)
async def test_what_a_need_cannot_say_is_named(operator: Browser, field: str, wrong: object) -> None:
    region, contact = await region_with_contact(operator)
    body = need_body(contact) | {field.split(".")[0]: wrong}
    check_problem(await region.send("regions", NEEDS, body), 422, f"body.{field}")


@pytest.mark.parametrize("reason", ["deadline", "", None])
async def test_a_person_closes_a_need_for_a_reason_of_its_own(operator: Browser, reason: str | None) -> None:
    region, contact = await region_with_contact(operator)
    path = f"{NEEDS}/{(await region.done('regions', NEEDS, need_body(contact)))['need_id']}/close"
    answer = await region.send("regions", path, {"version": 1, "reason": reason})
    assert "'fulfilled', 'cancelled' or 'postponed'" in check_problem(answer, 422, "body.reason")["detail"]


async def test_a_closing_of_another_version_is_refused(operator: Browser) -> None:
    region, contact = await region_with_contact(operator)
    path = f"{NEEDS}/{(await region.done('regions', NEEDS, need_body(contact)))['need_id']}/close"
    assert "at version 1" in check_problem(await region.send("regions", path, closure(2)), 409)["detail"]


async def test_a_needs_history_tells_each_version_and_the_side_that_wrote_it(operator: Browser) -> None:
    region, contact = await region_with_contact(operator)
    draft = need_body(contact)
    need = await region.done("regions", NEEDS, draft)
    path = f"{NEEDS}/{need['need_id']}"
    revised = await region.done("regions", path, need_revision(draft, 1, title="Lessons in oils"), method="PUT")
    history = (await region.read("regions", f"{path}/history")).json()
    assert [(each["type"], each["by"], each["facts"]) for each in history] == [
        ("NeedPosted", "region of hebei", need),
        ("NeedRevised", "region of hebei", revised),
    ]
    assert region.person.subject not in str(history)
