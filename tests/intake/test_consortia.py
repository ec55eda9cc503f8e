"""Consortia over HTTP, and what intake says of them."""

import asyncio
from uuid import uuid4

from shared.events import ConsortiumFacts
from tests.browser import Browser, check_problem, registered_company
from tests.factories import (
    company_of,
    company_person,
    consortium_body,
    proposal_body,
)
from tests.intake.puzzles import check_coordinators, part_path, puzzle, told
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
