"""Companies over HTTP, and what intake says of them."""

from shared.events import CompanyFacts
from tests.browser import Browser, check_problem
from tests.factories import (
    company_body,
    company_of,
    company_person,
    enterprise_number,
)
from tests.intake.puzzles import told
from tests.topics import events_of


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
