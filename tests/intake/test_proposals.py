"""Proposals over HTTP, and what intake says of them."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.events import ProposalFacts
from shared.vocabulary import Role
from tests.browser import Browser, check_problem, registered_company
from tests.factories import (
    company_body,
    company_of,
    company_person,
    company_revision,
    contact_body,
    proposal_body,
    proposal_revision,
    someone,
)
from tests.intake.puzzles import check_coordinators, part_path, puzzle, told
from tests.tables import superuser
from tests.topics import events_of

PROPOSALS = "/v1/proposals"
FULL = {
    "teaser": "summary",
    "summary": "Twelve players who are quiet.",
    "maturity": {"trl": 8, "evidence": "A pilot in Leuven"},
    "intellectual_property": "patented",
    "partnerships": ["licence", "pilot"],
    "scale": "From 4 to 40 players",
    "price": {"least": 0, "most": 2_000_000_000, "currency": "CNY"},
    "working_languages": ["en", "zh"],
    "regions": ["hebei", "shaanxi"],
}
"""All that a proposal may say more."""


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


async def test_all_that_a_proposal_says_is_kept_and_told(operator: Browser) -> None:
    lead, contact = await registered_company(operator)
    doubled = {"partnerships": ["pilot", "licence", "pilot"], "working_languages": ["zh", "en"]}
    proposal = await lead.done("intake", PROPOSALS, proposal_body(contact, **FULL | doubled))
    assert {name: proposal[name] for name in FULL} == FULL
    assert (await lead.read("intake", f"{PROPOSALS}/{proposal['proposal_id']}")).json() == proposal
    (event,) = await events_of(operator.platform, ProposalFacts, proposal["proposal_id"])
    assert event.model_dump(mode="json") == proposal


async def test_a_revision_says_the_whole_proposal_anew(operator: Browser) -> None:
    lead, contact = await registered_company(operator)
    draft = proposal_body(contact)
    proposal = await lead.done("intake", PROPOSALS, draft)
    path = f"{PROPOSALS}/{proposal['proposal_id']}"
    fuller = await lead.done("intake", path, proposal_revision(draft, 1, **FULL), method="PUT")
    assert {name: fuller[name] for name in FULL} == FULL
    barer = await lead.done("intake", path, proposal_revision(draft, 2), method="PUT")
    assert barer == proposal | {"version": 3}
    assert (await lead.read("intake", path)).json() == barer


async def test_a_revision_names_another_contact_or_keeps_the_one_there_is(operator: Browser) -> None:
    lead, contact = await registered_company(operator)
    _, foreign = await registered_company(operator)
    other = (await lead.done("intake", "/v1/contacts", contact_body()))["contact_id"]
    draft = proposal_body(contact)
    path = f"{PROPOSALS}/{(await lead.done('intake', PROPOSALS, draft))['proposal_id']}"
    revision = proposal_revision(draft, 1)
    answer = await lead.send("intake", path, revision | {"contact_id": foreign}, method="PUT")
    check_problem(answer, 422, "body.contact_id")
    assert (await lead.done("intake", path, revision | {"contact_id": other}, method="PUT"))["contact_id"] == other
    kept = await lead.done("intake", path, revision | {"version": 2}, method="PUT")
    assert kept["contact_id"] == other


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("body.maturity.trl", {"maturity": {"trl": 10}}),
        ("body.maturity.evidence", {"maturity": {"trl": 1, "evidence": " "}}),
        ("body.price", {"price": {"least": 2, "most": 1, "currency": "EUR"}}),
        ("body.price.most", {"price": {"least": 2, "most": 2**31, "currency": "EUR"}}),
        ("body.price.currency", {"price": {"least": 1, "most": 2, "currency": "USD"}}),
        ("body.price.vat", {"price": {"least": 1, "most": 2, "currency": "EUR", "vat": 21}}),
        ("body.summary", {"teaser": "summary"}),
        ("body.kind", {"kind": "interest", "consortium_id": str(uuid4())}),
        ("body.regions", {"regions": ["hebei"] * 21}),
        ("body.partnerships.0", {"partnerships": ["marriage"]}),
    ],
)
async def test_what_does_not_fit_together_is_named(operator: Browser, field: str, wrong: dict[str, Any]) -> None:
    lead, contact = await registered_company(operator)
    check_problem(await lead.send("intake", PROPOSALS, proposal_body(contact, **wrong)), 422, field)


async def test_a_company_expresses_its_interest(operator: Browser) -> None:
    lead, contact = await registered_company(operator)
    draft = proposal_body(contact, kind="interest", body="We are curious.")
    interest = await lead.done("intake", PROPOSALS, draft)
    assert interest["kind"] == "interest"
    path = f"{PROPOSALS}/{interest['proposal_id']}"
    revised = await lead.done("intake", path, proposal_revision(draft, 1), method="PUT")
    assert (revised["kind"], revised["version"]) == ("interest", 2)
    change = proposal_revision(draft, 2) | {"kind": "proposal"}
    check_problem(await lead.send("intake", path, change, method="PUT"), 422, "body.kind")
    (said, _) = await events_of(operator.platform, ProposalFacts, interest["proposal_id"])
    assert said.model_dump(mode="json") == interest


async def test_the_coordinator_of_the_leads_province_writes_too(operator: Browser) -> None:
    (lead, *contributors), consortium, contact = await puzzle(operator)
    for part, each in enumerate(contributors):
        await each.done("intake", part_path(consortium, part, "confirm"))
    draft = proposal_body(contact, consortium_id=consortium["consortium_id"])
    path = f"{PROPOSALS}/{(await lead.done('intake', PROPOSALS, draft))['proposal_id']}"
    for organisation in ("limburg", "east_flanders", "flemish_brabant", "fit", "cleantech_flanders", None):
        reader = operator.of(someone(Role.COORDINATOR, organisation))
        check_problem(await reader.send("intake", path, proposal_revision(draft, 1), method="PUT"), 404)
        check_problem(await reader.send("intake", f"{path}/withdraw"), 404)
    antwerp = operator.of(someone(Role.COORDINATOR, "antwerp"))
    assert (await antwerp.done("intake", path, proposal_revision(draft, 1), method="PUT"))["version"] == 2
    assert (await antwerp.done("intake", f"{path}/withdraw"))["withdrawn"]


async def test_cleantech_flanders_writes_for_companies_outside_the_provinces(operator: Browser) -> None:
    lead, contact = await registered_company(operator, province="other")
    path = f"{PROPOSALS}/{(await lead.done('intake', PROPOSALS, proposal_body(contact)))['proposal_id']}"
    check_problem(await operator.of(someone(Role.COORDINATOR, "fit")).send("intake", f"{path}/withdraw"), 404)
    network = operator.of(someone(Role.COORDINATOR, "cleantech_flanders"))
    assert (await network.done("intake", f"{path}/withdraw"))["withdrawn"]


async def test_a_proposals_history_tells_what_each_version_said_and_who_brought_it_about(operator: Browser) -> None:
    lead, contact = await registered_company(operator, province="limburg")
    draft = proposal_body(contact, **FULL)
    first = await lead.done("intake", PROPOSALS, draft)
    path = f"{PROPOSALS}/{first['proposal_id']}"
    coordinator = operator.of(someone(Role.COORDINATOR, "limburg"))
    second = await coordinator.done("intake", path, proposal_revision(draft, 1, title="A quieter band"), method="PUT")
    third = await lead.done("intake", f"{path}/withdraw")
    versions = (await coordinator.read("intake", f"{path}/history")).json()
    assert [(each["version"], each["type"], each["by"]) for each in versions] == [
        (1, "ProposalSubmitted", "company"),
        (2, "ProposalRevised", "coordinator of limburg"),
        (3, "ProposalWithdrawn", "company"),
    ]
    assert [each["facts"] for each in versions] == [first, second, third]
    assert versions == sorted(versions, key=lambda each: each["at"])
    assert (await lead.read("intake", f"{path}/history")).json() == versions
    stranger, _ = await registered_company(operator)
    check_problem(await stranger.read("intake", f"{path}/history"), 404)


async def test_a_long_history_is_read_part_by_part(operator: Browser) -> None:
    lead, contact = await registered_company(operator)
    proposal = await lead.done("intake", PROPOSALS, proposal_body(contact))
    path = f"{PROPOSALS}/{proposal['proposal_id']}/history"
    async with superuser(operator.platform) as connection:
        await connection.execute(
            "insert into intake.proposal_version (id, version, type, by, facts) "
            "select $1, version, 'ProposalRevised', 'company', '{}' from generate_series(2, 150) as version",
            UUID(proposal["proposal_id"]),
        )
    first = (await lead.read("intake", path)).json()
    rest = (await lead.read("intake", path, after=first[-1]["version"])).json()
    assert [each["version"] for each in first] == list(range(1, 101))
    assert [each["version"] for each in rest] == list(range(101, 151))
    check_problem(await lead.read("intake", path, after=-1), 422, "query.after")


async def test_a_revision_goes_to_the_coordinator_of_where_the_company_is_now(operator: Browser) -> None:
    lead, contact = await registered_company(operator, province="limburg")
    draft = proposal_body(contact)
    path = f"{PROPOSALS}/{(await lead.done('intake', PROPOSALS, draft))['proposal_id']}"
    moved = company_revision(company_body(lead.person, province="antwerp"), 1)
    await lead.done("intake", f"/v1/companies/{company_of(lead.person)}", moved, method="PUT")
    revised = await lead.done("intake", path, proposal_revision(draft, 1), method="PUT")
    assert revised["provinces"] == ["antwerp"]
    for province, seen in (("antwerp", True), ("limburg", False)):
        answer = await operator.of(someone(Role.COORDINATOR, province)).read("intake", path)
        assert answer.is_success == seen
