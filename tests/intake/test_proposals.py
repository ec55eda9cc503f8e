"""Proposals over HTTP, and what intake says of them."""

import asyncio
from uuid import uuid4

import pytest

from shared.events import ProposalFacts
from tests.browser import Browser, check_problem, registered_company
from tests.factories import (
    company_of,
    company_person,
    proposal_body,
    proposal_revision,
)
from tests.intake.puzzles import check_coordinators, part_path, puzzle, told
from tests.topics import events_of

PROPOSALS = "/v1/proposals"


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


async def test_proposals_are_listed_page_by_page(operator: Browser) -> None:
    lead, contact = await registered_company(operator)
    made = [await lead.done("intake", PROPOSALS, proposal_body(contact)) for _ in range(3)]
    ids = sorted(proposal["proposal_id"] for proposal in made)
    page = (await lead.read("intake", PROPOSALS, limit=2)).json()
    rest = (await lead.read("intake", PROPOSALS, limit=2, after=page[-1]["proposal_id"])).json()
    assert [[proposal["proposal_id"] for proposal in each] for each in (page, rest)] == [ids[:2], ids[2:]]
