"""Drafts of needs over HTTP."""

import asyncio
from typing import Any

import pytest

from shared.events import NeedFacts
from shared.vocabulary import Region
from tests.browser import Browser, check_problem, region_with_contact
from tests.factories import need_body, region_person
from tests.topics import events_of

DRAFTS = "/v1/need-drafts"


async def kept(region: Browser, **content: Any) -> tuple[str, Any]:
    """A new draft's path, and the draft."""
    draft = await region.done("regions", DRAFTS, content)
    return f"{DRAFTS}/{draft['draft_id']}", draft


async def test_a_draft_may_lack_anything_and_is_posted_under_its_own_id_once_nothing_is_missing(
    operator: Browser,
) -> None:
    region, contact = await region_with_contact(operator)
    path, draft = await kept(region, title="Half a need")
    assert (draft["version"], draft["content"], draft["origin"]) == (1, {"title": "Half a need"}, None)
    missing = await region.send("regions", f"{path}/post", {"version": 1})
    check_problem(missing, 422, "body.body", "body.language", "body.challenges", "body.contact_id")
    body = need_body(contact, capacity={"amount": 2.5, "unit": "t/h"})
    revised = await region.done("regions", path, body | {"version": 1}, method="PUT")
    assert (revised["version"], revised["content"]) == (2, body)
    assert (await region.read("regions", path)).json() == revised
    need = await region.done("regions", f"{path}/post", {"version": 2})
    assert (need["need_id"], need["version"]) == (draft["draft_id"], 1)
    assert body.items() <= need.items()
    said = await events_of(operator.platform, NeedFacts, draft["draft_id"])
    assert [type(event).__name__ for event in said] == ["NeedPosted"]
    check_problem(await region.read("regions", path), 404)


async def test_whoever_has_a_posted_draft_in_mind_is_told_what_is_possible_now(operator: Browser) -> None:
    region, contact = await region_with_contact(operator)
    path, draft = await kept(region, **need_body(contact))
    await region.done("regions", f"{path}/post", {"version": 1})
    for step in ("post", "discard"):
        problem = check_problem(await region.send("regions", f"{path}/{step}", {"version": 1}), 409)
        assert "the need is open; possible now: revise, close" in problem["detail"]
    closing = {"version": 1, "reason": "cancelled"}
    await region.done("regions", f"/v1/needs/{draft['draft_id']}/close", closing)
    revision = await region.send("regions", path, {"title": "x", "version": 1}, method="PUT")
    assert "the need is closed; nothing is possible any more, make a new one" in check_problem(revision, 409)["detail"]
    stranger = operator.of(region_person(Region.SHAANXI))
    check_problem(await stranger.send("regions", f"{path}/post", {"version": 1}), 404)


async def test_a_discarded_draft_is_gone(operator: Browser) -> None:
    region, _ = await region_with_contact(operator)
    path, draft = await kept(region, title="Half a need")
    assert await region.done("regions", f"{path}/discard", {"version": 1}) == draft
    check_problem(await region.read("regions", path), 404)
    check_problem(await region.send("regions", f"{path}/post", {"version": 1}), 404)


async def test_a_stale_version_changes_no_draft(operator: Browser) -> None:
    region, contact = await region_with_contact(operator)
    path, draft = await kept(region, **need_body(contact))
    for answer in (
        await region.send("regions", path, {"title": "x", "version": 2}, method="PUT"),
        await region.send("regions", f"{path}/post", {"version": 0}),
        await region.send("regions", f"{path}/discard", {"version": 10**30}),
    ):
        assert "The draft is at version 1" in check_problem(answer, 409)["detail"]
    assert (await region.read("regions", path)).json() == draft


async def test_of_two_who_post_and_discard_at_once_one_is_told_so(operator: Browser) -> None:
    region, contact = await region_with_contact(operator)
    path, draft = await kept(region, **need_body(contact))
    steps = [region.send("regions", f"{path}/{step}", {"version": 1}) for step in ("post", "discard") * 3]
    answers = await asyncio.gather(*steps)
    assert sum(answer.is_success for answer in answers) == 1
    assert {answer.status_code for answer in answers if not answer.is_success} <= {404, 409}
    posted = any(answer.status_code == 201 for answer in answers)
    assert len(await events_of(operator.platform, NeedFacts, draft["draft_id"])) == posted


@pytest.mark.parametrize(
    ("field", "content"),
    [
        ("title", {"title": " "}),
        ("language", {"language": "fr"}),
        ("capacity.unit", {"capacity": {"amount": 1}}),
        ("original.language", {"language": "en", "original": {"title": "x", "body": "y", "language": "en"}}),
        ("region", {"title": "x", "region": "hebei"}),
    ],
)
async def test_what_is_filled_in_must_be_good(operator: Browser, field: str, content: dict[str, Any]) -> None:
    region, _ = await region_with_contact(operator)
    path, _ = await kept(region, title="Half a need")
    for answer in (
        await region.send("regions", DRAFTS, content),
        await region.send("regions", path, content | {"version": 1}, method="PUT"),
    ):
        check_problem(answer, 422, f"body.{field}")


async def test_a_draft_says_something(operator: Browser) -> None:
    region, _ = await region_with_contact(operator)
    path, _ = await kept(region, title="Half a need")
    for body in ({}, {"title": None}):
        check_problem(await region.send("regions", DRAFTS, body), 422, "body")
        check_problem(await region.send("regions", path, body | {"version": 1}, method="PUT"), 422, "body")
        check_problem(await region.send("regions", "/v1/needs/advice", body), 422, "body")


@pytest.mark.parametrize(("field", "change"), [("deadline", "2020-01-01"), ("contact_id", None)])
async def test_a_draft_is_posted_by_the_rules_of_a_need(operator: Browser, field: str, change: str | None) -> None:
    region, contact = await region_with_contact(operator)
    _, foreign = await region_with_contact(operator, Region.SHAANXI)
    path, _ = await kept(region, **need_body(contact) | {field: change or foreign})
    check_problem(await region.send("regions", f"{path}/post", {"version": 1}), 422, f"body.{field}")


async def test_a_reader_of_a_vague_draft_would_miss_something_and_it_is_posted_all_the_same(operator: Browser) -> None:
    region, contact = await region_with_contact(operator)
    vague = {"title": "Modern solutions wanted", "body": "We look for good technology.", "language": "en"}
    path, _ = await kept(region, **need_body(contact) | vague)
    advice = (await region.read("regions", f"{path}/advice")).json()
    asked = await region.send("regions", "/v1/needs/advice", vague, key=None)
    assert {each["kind"] for each in advice} == {"no_quantity", "no_substance", "no_part", "vague"}
    assert [each["kind"] for each in asked.json()] == [each["kind"] for each in advice]
    await region.done("regions", f"{path}/post", {"version": 1})
