"""Companies over HTTP, and what intake says of them."""

import asyncio

import pytest

from shared.events import CompanyFacts
from shared.vocabulary import Role
from tests.browser import Browser, check_problem, registered_company
from tests.factories import (
    company_body,
    company_of,
    company_person,
    company_revision,
    enterprise_number,
    someone,
)
from tests.intake.puzzles import told
from tests.topics import events_of

SHOWN = {
    "strongholds": [{"title": "Drying of sludge", "challenges": [7, 5]}],
    "business_cases": [{"what": "A belt dryer", "where": "Leuven", "year": 2019, "result": "40 % less gas"}],
    "suggestible": True,
}
"""What a company may show of itself."""


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


async def test_a_company_shows_what_it_is_good_at(operator: Browser) -> None:
    browser, plain = operator.of(company_person()), operator.of(company_person())
    company = await browser.done("intake", "/v1/companies", company_body(browser.person, **SHOWN))
    assert company["strongholds"] == [{"title": "Drying of sludge", "challenges": [5, 7]}]
    assert (company["business_cases"], company["suggestible"]) == (SHOWN["business_cases"], True)
    bare = await plain.done("intake", "/v1/companies", company_body(plain.person))
    assert (bare["strongholds"], bare["business_cases"], bare["suggestible"]) == ([], [], False)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("strongholds", [{"title": "Drying", "challenges": []}]),
        ("strongholds", [{"title": "Drying", "challenges": [1]}] * 21),
        ("strongholds", [{"title": "Drying", "challenges": [1], "since": 2019}]),
        ("business_cases", [{"what": "x", "where": "x", "year": 1899, "result": "x"}]),
        ("business_cases", [{"what": "x", "where": "x", "year": 2019, "result": "x" * 501}]),
    ],
)
async def test_what_a_company_shows_is_bounded(operator: Browser, field: str, wrong: object) -> None:
    browser = operator.of(company_person())
    answer = await browser.send("intake", "/v1/companies", company_body(browser.person, **{field: wrong}))
    assert f"body.{field}" in check_problem(answer, 422)["detail"]


async def test_a_company_revises_itself_and_keeps_its_number(operator: Browser) -> None:
    browser, _ = await registered_company(operator, province="limburg")
    path = f"/v1/companies/{company_of(browser.person)}"
    body = company_revision(company_body(browser.person), 1, name="Demerzuiver NV", province="other", **SHOWN)
    revised = await browser.done("intake", path, body, method="PUT")
    assert (revised["version"], revised["name"]) == (2, "Demerzuiver NV")
    assert revised["enterprise_number"] == browser.person.company
    shown = (await browser.read("intake", path)).json()
    assert shown == revised | {"coordinator": "cleantech_flanders"}
    assert "at version 2" in check_problem(await browser.send("intake", path, body, method="PUT"), 409)["detail"]
    numbered = body | {"version": 2, "enterprise_number": enterprise_number()}
    check_problem(await browser.send("intake", path, numbered, method="PUT"), 422, "body.enterprise_number")
    said = await events_of(operator.platform, CompanyFacts, company_of(browser.person))
    assert told(said) == [("CompanyRegistered", 1), ("CompanyRevised", 2)]


async def test_of_a_companys_revisions_at_once_one_is_taken(operator: Browser) -> None:
    browser, _ = await registered_company(operator)
    path, body = f"/v1/companies/{company_of(browser.person)}", company_revision(company_body(browser.person), 1)
    answers = await asyncio.gather(*(browser.send("intake", path, body, method="PUT") for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5


async def test_a_companys_coordinator_follows_from_its_province(operator: Browser) -> None:
    browser, _ = await registered_company(operator, province="east_flanders")
    path = f"/v1/companies/{company_of(browser.person)}"
    assert (await browser.read("intake", path)).json()["coordinator"] == "east_flanders"
    assert [each["company_id"] for each in (await browser.read("intake", "/v1/companies")).json()] == [path[-36:]]
    for organisation in ("east_flanders", "fit"):
        assert (await operator.of(someone(Role.COORDINATOR, organisation)).read("intake", path)).is_success
    check_problem(await operator.of(someone(Role.COORDINATOR, "limburg")).read("intake", path), 404)
    other, _ = await registered_company(operator, province="east_flanders")
    check_problem(await other.read("intake", path), 404)
