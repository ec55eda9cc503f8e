"""Companies, consortia and proposals over HTTP, and what intake says of them."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from shared.events import CompanyFacts, ConsortiumFacts, Event, ProposalFacts
from shared.vocabulary import COORDINATED, Role
from tests.browser import Browser, check_problem, registered_company
from tests.factories import (
    company_body,
    company_of,
    company_person,
    consortium_body,
    enterprise_number,
    proposal_body,
    proposal_revision,
    someone,
)
from tests.topics import events_of

PROPOSALS = "/v1/proposals"


def told(events: list[Event]) -> list[tuple[str, int]]:
    """The kinds and versions of events, in order."""
    return [(type(event).__name__, event.version) for event in events]


async def puzzle(operator: Browser) -> tuple[list[Browser], dict[str, Any], str]:
    """A lead and two contributors, the consortium it has opened with them, and its contact."""
    lead, contact = await registered_company(operator, province="antwerp")
    contributors = [(await registered_company(operator, province=p))[0] for p in ("limburg", "east_flanders")]
    body = consortium_body(*(each.person for each in contributors))
    return [lead, *contributors], await lead.done("intake", "/v1/consortia", body), contact


def part_path(consortium: dict[str, Any], part: int, verb: str) -> str:
    """Where a part is answered."""
    return f"/v1/consortia/{consortium['consortium_id']}/parts/{consortium['parts'][part]['part_id']}/{verb}"


async def check_coordinators(operator: Browser, path: str) -> None:
    """What the three companies of a puzzle do together is read by the coordinators of their provinces."""
    for province in COORDINATED:
        answer = await operator.of(someone(Role.COORDINATOR, province)).read("intake", path)
        assert answer.is_success == (province != "flemish_brabant"), province


async def test_a_company_registers_itself_once(operator: Browser) -> None:
    browser = operator.of(company_person())
    body = company_body(browser.person, enterprise_number=f"BE {browser.person.company}")
    company = await browser.done("intake", "/v1/companies", body)
    assert company["company_id"] == company_of(browser.person)
    assert company["enterprise_number"] == browser.person.company
    check_problem(await browser.send("intake", "/v1/companies", body), 409)
    said = await events_of(operator.platform, CompanyFacts, company["company_id"])
    assert told(said) == [("CompanyRegistered", 1)]


async def test_nobody_registers_another_company(operator: Browser) -> None:
    browser = operator.of(company_person())
    body = company_body(browser.person, enterprise_number=enterprise_number())
    check_problem(await browser.send("intake", "/v1/companies", body), 422, "body.enterprise_number")


async def test_a_company_proposes_alone(operator: Browser) -> None:
    lead, contact = await registered_company(operator, province="limburg")
    draft = proposal_body(contact, challenges=[5, 3])
    proposal = await lead.done("intake", PROPOSALS, draft)
    assert proposal["lead_id"] == company_of(lead.person)
    assert proposal["members"] == [company_of(lead.person)]
    assert (proposal["provinces"], proposal["challenges"]) == (["limburg"], [3, 5])
    assert (await lead.read("intake", f"{PROPOSALS}/{proposal['proposal_id']}")).json() == proposal
    (event,) = await events_of(operator.platform, ProposalFacts, proposal["proposal_id"])
    assert event.model_dump(mode="json") == proposal
    assert told([event]) == [("ProposalSubmitted", 1)]


async def test_a_company_registers_before_it_proposes(operator: Browser) -> None:
    browser = operator.of(company_person())
    _, contact = await registered_company(operator)
    check_problem(await browser.send("intake", PROPOSALS, proposal_body(contact)), 422, "body.contact_id")


async def test_the_contact_is_the_companys_own(operator: Browser) -> None:
    lead, _ = await registered_company(operator)
    _, foreign = await registered_company(operator)
    for contact in (foreign, uuid4()):
        check_problem(await lead.send("intake", PROPOSALS, proposal_body(contact)), 422, "body.contact_id")


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
    assert "already" in check_problem(again, 409)["detail"]


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
    assert "declined already" in problem["detail"]
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


async def test_a_proposal_is_revised_and_withdrawn_with_a_version_each(operator: Browser) -> None:
    lead, contact = await registered_company(operator)
    draft = proposal_body(contact)
    proposal = await lead.done("intake", PROPOSALS, draft)
    path = f"{PROPOSALS}/{proposal['proposal_id']}"
    revised = await lead.done(
        "intake", path, proposal_revision(draft, 1, title="A quieter band", challenges=[9]), method="PUT"
    )
    assert (revised["version"], revised["title"], revised["challenges"]) == (2, "A quieter band", [9])
    assert (await lead.done("intake", f"{path}/withdraw"))["withdrawn"]
    for answer in (
        await lead.send("intake", path, proposal_revision(draft, 3), method="PUT"),
        await lead.send("intake", f"{path}/withdraw"),
    ):
        assert "withdrawn" in check_problem(answer, 409)["detail"]
    said = await events_of(operator.platform, ProposalFacts, proposal["proposal_id"])
    assert told(said) == [("ProposalSubmitted", 1), ("ProposalRevised", 2), ("ProposalWithdrawn", 3)]


@pytest.mark.parametrize("version", [0, 2, -1, 10**30])
async def test_a_revision_of_another_version_is_refused(operator: Browser, version: int) -> None:
    lead, contact = await registered_company(operator)
    draft = proposal_body(contact)
    proposal = await lead.done("intake", PROPOSALS, draft)
    path = f"{PROPOSALS}/{proposal['proposal_id']}"
    problem = check_problem(await lead.send("intake", path, proposal_revision(draft, version), method="PUT"), 409)
    assert "at version 1" in problem["detail"]


async def test_of_revisions_at_once_one_is_taken(operator: Browser) -> None:
    lead, contact = await registered_company(operator)
    draft = proposal_body(contact)
    proposal = await lead.done("intake", PROPOSALS, draft)
    path = f"{PROPOSALS}/{proposal['proposal_id']}"
    revision = proposal_revision(draft, 1)
    answers = await asyncio.gather(*(lead.send("intake", path, revision, method="PUT") for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    said = await events_of(operator.platform, ProposalFacts, proposal["proposal_id"])
    assert [event.version for event in said] == [1, 2]


async def test_members_read_a_proposal_and_its_lead_alone_writes_it(operator: Browser) -> None:
    (lead, *contributors), consortium, contact = await puzzle(operator)
    for part, each in enumerate(contributors):
        await each.done("intake", part_path(consortium, part, "confirm"))
    draft = proposal_body(contact, consortium_id=consortium["consortium_id"])
    proposal = await lead.done("intake", PROPOSALS, draft)
    stranger, _ = await registered_company(operator)
    path = f"{PROPOSALS}/{proposal['proposal_id']}"
    for each in (lead, *contributors):
        assert (await each.read("intake", path)).json() == proposal
        assert proposal in (await each.read("intake", PROPOSALS)).json()
    check_problem(await stranger.read("intake", path), 404)
    assert (await stranger.read("intake", PROPOSALS)).json() == []
    await check_coordinators(operator, path)
    for each in (*contributors, stranger):
        check_problem(await each.send("intake", path, proposal_revision(draft, 1), method="PUT"), 404)
        check_problem(await each.send("intake", f"{path}/withdraw"), 404)


async def test_a_consortium_is_read_by_its_companies_alone(operator: Browser) -> None:
    members, consortium, _ = await puzzle(operator)
    path = f"/v1/consortia/{consortium['consortium_id']}"
    for each in members:
        assert (await each.read("intake", path)).json() == consortium
    check_problem(await (await registered_company(operator))[0].read("intake", path), 404)
    await check_coordinators(operator, path)
    check_problem(await members[0].read("intake", f"/v1/consortia/{uuid4()}"), 404)


async def test_proposals_are_listed_page_by_page(operator: Browser) -> None:
    lead, contact = await registered_company(operator)
    made = [await lead.done("intake", PROPOSALS, proposal_body(contact)) for _ in range(3)]
    ids = sorted(proposal["proposal_id"] for proposal in made)
    page = (await lead.read("intake", PROPOSALS, limit=2)).json()
    rest = (await lead.read("intake", PROPOSALS, limit=2, after=page[-1]["proposal_id"])).json()
    assert [[proposal["proposal_id"] for proposal in each] for each in (page, rest)] == [ids[:2], ids[2:]]
