"""Consortia over HTTP, and what intake says of them."""

import asyncio
from uuid import UUID, uuid4

import pytest

from shared.events import ConsortiumFacts
from shared.vocabulary import Role
from tests.browser import Browser, check_problem, registered_company
from tests.factories import company_of, company_person, consortium_body, proposal_body, someone
from tests.intake.puzzles import check_coordinators, looking, part_path, path_of, puzzle, revision, told
from tests.topics import events_of

PROPOSALS = "/v1/proposals"


async def test_a_consortium_proposes_once_every_part_is_confirmed(operator: Browser) -> None:
    (lead, first, second), consortium, contact = await puzzle(operator)
    draft = proposal_body(contact, consortium_id=consortium["consortium_id"])
    problem = check_problem(await lead.send("intake", PROPOSALS, draft), 409)
    assert "Part 1, Part 2" in problem["detail"]
    await first.done("intake", part_path(consortium, 0, "confirm"))
    assert "confirmed yet: Part 2" in check_problem(await lead.send("intake", PROPOSALS, draft), 409)["detail"]
    await second.done("intake", part_path(consortium, 1, "confirm"))
    proposal = await lead.done("intake", PROPOSALS, draft)
    assert proposal["members"] == [company_of(each.person) for each in (lead, first, second)]
    assert proposal["provinces"] == ["antwerp", "limburg", "east_flanders"]
    said = await events_of(operator.platform, ConsortiumFacts, consortium["consortium_id"])
    kinds = ("ConsortiumOpened", "PartConfirmed", "PartConfirmed", "ConsortiumClosed")
    assert told(said) == list(zip(kinds, range(1, 5), strict=True))
    again = await lead.send("intake", PROPOSALS, draft)
    assert "is closed" in check_problem(again, 409)["detail"]


async def test_a_declined_part_keeps_the_consortium_from_proposing(operator: Browser) -> None:
    (lead, first, second), consortium, contact = await puzzle(operator)
    await first.done("intake", part_path(consortium, 0, "confirm"))
    declined = await second.done("intake", part_path(consortium, 1, "decline"))
    assert [part["state"] for part in declined["parts"]] == ["confirmed", "declined"]
    draft = proposal_body(contact, consortium_id=consortium["consortium_id"])
    assert "Part 2" in check_problem(await lead.send("intake", PROPOSALS, draft), 409)["detail"]
    said = await events_of(operator.platform, ConsortiumFacts, consortium["consortium_id"])
    assert told(said)[1:] == [("PartConfirmed", 2), ("PartDeclined", 3)]


async def test_a_part_is_answered_once_and_by_its_own_company(operator: Browser) -> None:
    (lead, first, second), consortium, _ = await puzzle(operator)
    for browser in (lead, second, (await registered_company(operator))[0]):
        check_problem(await browser.send("intake", part_path(consortium, 0, "confirm")), 404)
    await first.done("intake", part_path(consortium, 0, "decline"))
    problem = check_problem(await first.send("intake", part_path(consortium, 0, "confirm")), 409)
    assert "is declined" in problem["detail"]
    assert len(await events_of(operator.platform, ConsortiumFacts, consortium["consortium_id"])) == 2


async def test_parts_confirmed_at_once_leave_no_gap_in_the_versions(operator: Browser) -> None:
    (lead, *contributors), consortium, _ = await puzzle(operator)
    paths = [part_path(consortium, part, "confirm") for part in range(2)]
    await asyncio.gather(*(each.done("intake", path) for each, path in zip(contributors, paths, strict=True)))
    now = (await lead.read("intake", f"/v1/consortia/{consortium['consortium_id']}")).json()
    assert [part["state"] for part in now["parts"]] == ["confirmed", "confirmed"]
    said = await events_of(operator.platform, ConsortiumFacts, consortium["consortium_id"])
    assert [event.version for event in said] == [1, 2, 3]


async def test_a_lead_asks_other_companies_once_each_and_only_registered_ones(operator: Browser) -> None:
    lead, _ = await registered_company(operator)
    other, _ = await registered_company(operator)
    stranger = company_person()
    for puzzle_of in ([lead.person], [other.person, other.person]):
        answer = await lead.send("intake", "/v1/consortia", consortium_body(*puzzle_of))
        check_problem(answer, 422, "body.parts")
    answer = await lead.send("intake", "/v1/consortia", consortium_body(other.person, stranger))
    assert company_of(stranger) in check_problem(answer, 409)["detail"]


async def test_a_consortium_is_proposed_for_by_its_lead_alone(operator: Browser) -> None:
    _, consortium, _ = await puzzle(operator)
    other, contact = await registered_company(operator)
    for consortium_id in (consortium["consortium_id"], str(uuid4())):
        draft = proposal_body(contact, consortium_id=consortium_id)
        check_problem(await other.send("intake", PROPOSALS, draft), 422, "body.consortium_id")


async def test_a_consortium_is_read_by_its_companies_alone(operator: Browser) -> None:
    members, consortium, _ = await puzzle(operator)
    path = f"/v1/consortia/{consortium['consortium_id']}"
    for each in members:
        assert (await each.read("intake", path)).json() == consortium
    check_problem(await (await registered_company(operator))[0].read("intake", path), 404)
    await check_coordinators(operator, path)
    check_problem(await members[0].read("intake", f"/v1/consortia/{uuid4()}"), 404)


async def test_a_consortium_may_begin_with_nobody_but_its_lead(operator: Browser) -> None:
    lead, consortium, _ = await looking(operator, "Drying", "Sorting")
    assert consortium["parts"] == []
    assert [part["title"] for part in consortium["wanted"]] == ["Drying", "Sorting"]
    check_problem(await lead.send("intake", "/v1/consortia", consortium_body()), 422, "body.parts")


async def test_the_contact_of_a_consortium_is_the_leads(operator: Browser) -> None:
    (lead, first, _), consortium, contact = await puzzle(operator)
    _, foreign = await registered_company(operator)
    answer = await lead.send("intake", "/v1/consortia", consortium_body(first.person, contact_id=foreign))
    check_problem(answer, 422, "body.contact_id")
    body = revision(consortium, contact_id=foreign)
    check_problem(await lead.send("intake", path_of(consortium), body, method="PUT"), 422, "body.contact_id")
    body["contact_id"] = contact
    told_now = await lead.done("intake", path_of(consortium), body, method="PUT")
    assert told_now["contact_id"] == contact
    silent = revision(told_now)
    del silent["contact_id"]
    assert (await lead.done("intake", path_of(consortium), silent, method="PUT"))["contact_id"] == contact


async def test_the_lead_revises_the_puzzle(operator: Browser) -> None:
    (lead, first, second), consortium, _ = await puzzle(operator)
    await first.done("intake", part_path(consortium, 0, "decline"))
    other, _ = await registered_company(operator)
    asked, kept = revision(consortium)["parts"]
    parts = [asked | {"company_id": company_of(other.person)}, kept, {"title": "Sieving"}]
    body = {"version": 2, "title": "Wet cleaning", "parts": parts}
    revised = await lead.done("intake", path_of(consortium), body, method="PUT")
    owners = {part["company_id"]: part["state"] for part in revised["parts"]}
    assert owners == {company_of(other.person): "open", company_of(second.person): "open"}
    assert [part["title"] for part in revised["wanted"]] == ["Sieving"]
    assert (revised["version"], revised["title"]) == (3, "Wet cleaning")
    await other.done("intake", part_path(consortium, 0, "confirm"))
    check_problem(await first.send("intake", part_path(consortium, 0, "confirm")), 404)
    said = await events_of(operator.platform, ConsortiumFacts, consortium["consortium_id"])
    assert told(said)[1:] == [("PartDeclined", 2), ("ConsortiumRevised", 3), ("PartConfirmed", 4)]


async def test_a_confirmed_part_is_not_dropped(operator: Browser) -> None:
    (lead, first, _), consortium, _ = await puzzle(operator)
    confirmed = await first.done("intake", part_path(consortium, 0, "confirm"))
    _, kept = revision(confirmed)["parts"]
    answer = await lead.send("intake", path_of(consortium), revision(confirmed, parts=[kept]), method="PUT")
    assert "(Part 1) is confirmed" in check_problem(answer, 409)["detail"]


async def test_a_revision_names_companies_as_a_new_consortium_does(operator: Browser) -> None:
    (lead, first, _), consortium, _ = await puzzle(operator)
    for person in (lead.person, first.person):
        body = revision(consortium, {"title": "Sieving", "company_id": company_of(person)})
        check_problem(await lead.send("intake", path_of(consortium), body, method="PUT"), 422, "body.parts")
    body = revision(consortium, {"title": "Sieving", "company_id": company_of(company_person())})
    assert (
        "Not registered"
        in check_problem(await lead.send("intake", path_of(consortium), body, method="PUT"), 409)["detail"]
    )
    body = revision(consortium, {"title": "Sieving", "part_id": str(uuid4())})
    check_problem(await lead.send("intake", path_of(consortium), body, method="PUT"), 422, "body.parts")


@pytest.mark.parametrize("version", [0, 2, 10**30])
async def test_a_revision_of_another_version_is_refused(operator: Browser, version: int) -> None:
    (lead, *_), consortium, _ = await puzzle(operator)
    body = revision(consortium, version=version)
    answer = await lead.send("intake", path_of(consortium), body, method="PUT")
    assert "at version 1" in check_problem(answer, 409)["detail"]


async def test_a_part_confirmed_while_the_lead_revises_is_not_lost(operator: Browser) -> None:
    (lead, first, _), consortium, _ = await puzzle(operator)
    _, kept = revision(consortium)["parts"]
    confirming, revising = await asyncio.gather(
        first.send("intake", part_path(consortium, 0, "confirm")),
        lead.send("intake", path_of(consortium), revision(consortium, parts=[kept]), method="PUT"),
    )
    now = (await lead.read("intake", path_of(consortium))).json()
    if confirming.is_success:
        check_problem(revising, 409)
        assert [part["state"] for part in now["parts"]] == ["confirmed", "open"]
    else:
        check_problem(confirming, 404)
        assert [part["title"] for part in now["parts"]] == ["Part 2"]
    assert now["version"] == 2


async def test_a_proposal_goes_forward_without_the_parts_that_nobody_confirmed(operator: Browser) -> None:
    (lead, first, second), consortium, contact = await puzzle(operator)
    draft = proposal_body(contact, consortium_id=consortium["consortium_id"], without_open_parts=True)
    assert "No part is confirmed" in check_problem(await lead.send("intake", PROPOSALS, draft), 409)["detail"]
    await second.done("intake", part_path(consortium, 1, "confirm"))
    problem = check_problem(await lead.send("intake", PROPOSALS, draft | {"without_open_parts": False}), 409)
    assert "Part 1. With `without_open_parts: true`" in problem["detail"]
    proposal = await lead.done("intake", PROPOSALS, draft)
    assert proposal["members"] == [company_of(lead.person), company_of(second.person)]
    closed = (await lead.read("intake", path_of(consortium))).json()
    assert ([part["title"] for part in closed["parts"]], closed["closed"]) == (["Part 2"], True)
    check_problem(await first.send("intake", part_path(consortium, 0, "confirm")), 404)
    problem = check_problem(await lead.send("intake", path_of(consortium), revision(closed), method="PUT"), 409)
    assert "is closed" in problem["detail"]


async def test_a_part_confirmed_as_the_lead_submits_takes_part_or_is_told_that_it_is_late(operator: Browser) -> None:
    (lead, first, second), consortium, contact = await puzzle(operator)
    await first.done("intake", part_path(consortium, 0, "confirm"))
    draft = proposal_body(contact, consortium_id=consortium["consortium_id"], without_open_parts=True)
    confirming, submitting = await asyncio.gather(
        second.send("intake", part_path(consortium, 1, "confirm")), lead.send("intake", PROPOSALS, draft)
    )
    takes_part = company_of(second.person) in submitting.json()["members"]
    assert (submitting.status_code, confirming.is_success) == (201, takes_part)
    said = await events_of(operator.platform, ConsortiumFacts, consortium["consortium_id"])
    assert [event.version for event in said] == list(range(1, len(said) + 1))
    assert type(said[-1]).__name__ == "ConsortiumClosed"


async def test_consortia_are_listed_for_their_companies_and_coordinators(operator: Browser) -> None:
    members, consortium, _ = await puzzle(operator)
    for each in members:
        assert (await each.read("intake", "/v1/consortia")).json() == [consortium]
    stranger, _ = await registered_company(operator)
    assert (await stranger.read("intake", "/v1/consortia")).json() == []
    limburg = operator.of(someone(Role.COORDINATOR, "limburg"))
    before = str(UUID(int=UUID(consortium["consortium_id"]).int - 1))
    assert consortium in (await limburg.read("intake", "/v1/consortia", limit=1, after=before)).json()
    brabant = operator.of(someone(Role.COORDINATOR, "flemish_brabant"))
    listed = (await brabant.read("intake", "/v1/consortia", limit=1, after=before)).json()
    assert consortium not in listed
