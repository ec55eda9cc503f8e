"""A command runs once per Idempotency-Key, and every repeat of it gets the very first answer."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
from fastapi import APIRouter, FastAPI
from sqlalchemy import text

from deploy.settings import free_ports
from shared.db import connect, sessions
from shared.events import CompanyFacts, ContactShared, ProposalFacts
from shared.http import QueryRoute, Session
from shared.settings import Database
from tests.browser import Browser, check_problem, registered_company
from tests.factories import company_body, company_of, company_person, contact_body, proposal_body, proposal_revision
from tests.tables import superuser
from tests.topics import events_of

CONTACTS = "/v1/contacts"


async def query(browser: Browser, statement: str, *values: object) -> Any:
    """What one statement on the database gives."""
    async with superuser(browser.platform) as connection:
        return await connection.fetchval(statement, *values)


async def contacts_of(browser: Browser) -> int:
    """How many contacts this person has shared."""
    return int(await query(browser, "select count(*) from intake.contact where subject = $1", browser.person.subject))


async def grow_old(browser: Browser, hours: float) -> None:
    """Let this person's keys be from so many hours ago."""
    statement = (
        "with old as (update intake.idempotency set created_at = now() - make_interval(hours => $2) "
        "where caller = $1 returning 1) select count(*) from old"
    )
    assert await query(browser, statement, browser.person.subject, hours)


def same(first: httpx.Response, *repeats: httpx.Response) -> bool:
    """Whether all got the first answer."""
    return all((first.status_code, first.content) == (each.status_code, each.content) for each in repeats)


async def test_a_repeat_gets_the_first_answer_and_has_no_second_effect(operator: Browser) -> None:
    browser, key, body = operator.of(company_person()), str(uuid4()), contact_body()
    first = await browser.send("intake", CONTACTS, body, key=key)
    repeat = await browser.send("intake", CONTACTS, body, key=key)
    assert first.status_code == 201
    assert same(first, repeat)
    assert repeat.headers["content-type"] == first.headers["content-type"]
    assert await contacts_of(browser) == 1
    assert len(await events_of(browser.platform, ContactShared, first.json()["contact_id"])) == 1


async def test_the_same_key_with_another_body_is_refused(operator: Browser) -> None:
    browser, key = operator.of(company_person()), str(uuid4())
    await browser.done("intake", CONTACTS, contact_body(), key=key)
    problem = check_problem(await browser.send("intake", CONTACTS, contact_body(), key=key), 409)
    assert "Idempotency-Key" in problem["detail"]
    assert await contacts_of(browser) == 1


async def test_the_same_key_for_another_object_is_refused(operator: Browser) -> None:
    browser, contact = await registered_company(operator)
    one, other = [await browser.done("intake", "/v1/proposals", proposal_body(contact)) for _ in range(2)]
    key = str(uuid4())
    await browser.done("intake", f"/v1/proposals/{one['proposal_id']}/withdraw", key=key)
    path = f"/v1/proposals/{other['proposal_id']}"
    assert "Idempotency-Key" in check_problem(await browser.send("intake", f"{path}/withdraw", key=key), 409)["detail"]
    assert not (await browser.read("intake", path)).json()["withdrawn"]


async def test_the_same_key_of_another_caller_is_another_command(operator: Browser) -> None:
    one, key, body = company_person(), str(uuid4()), contact_body()
    colleague = company_person(one.company)
    answers = [await operator.of(person).done("intake", CONTACTS, body, key=key) for person in (one, colleague)]
    assert answers[0]["contact_id"] != answers[1]["contact_id"]


async def test_the_same_key_on_another_route_is_another_command(operator: Browser) -> None:
    browser, key = operator.of(company_person()), str(uuid4())
    await browser.done("intake", CONTACTS, contact_body(), key=key)
    await browser.done("intake", "/v1/companies", company_body(browser.person), key=key)


async def test_commands_sent_many_times_at_once_run_once(operator: Browser) -> None:
    browser, key, body = operator.of(company_person()), str(uuid4()), contact_body()
    answers = await asyncio.gather(*(browser.send("intake", CONTACTS, body, key=key) for _ in range(40)))
    again = await browser.send("intake", CONTACTS, body, key=key)
    assert again.status_code == 201
    for answer in answers:
        assert same(again, answer) or "still running" in check_problem(answer, 409)["detail"]
    assert await contacts_of(browser) == 1
    assert len(await events_of(browser.platform, ContactShared, again.json()["contact_id"])) == 1


async def test_commands_with_one_key_and_different_bodies_at_once_run_once(operator: Browser) -> None:
    browser, key = operator.of(company_person()), str(uuid4())
    answers = await asyncio.gather(*(browser.send("intake", CONTACTS, contact_body(), key=key) for _ in range(10)))
    refused = [answer for answer in answers if not answer.is_success]
    assert len(refused) == 9
    for answer in refused:
        check_problem(answer, 409)
    assert await contacts_of(browser) == 1


async def test_a_command_done_by_two_at_once_is_refused_to_one(operator: Browser) -> None:
    """Different people, different keys: only the database can tell who came first."""
    person = company_person()
    colleagues = [operator.of(company_person(person.company)) for _ in range(8)]
    body = company_body(person)
    answers = await asyncio.gather(*(each.send("intake", "/v1/companies", body) for each in colleagues))
    refused = [answer for answer in answers if not answer.is_success]
    assert len(refused) == 7
    for answer in refused:
        check_problem(answer, 409)
    assert len(await events_of(operator.platform, CompanyFacts, company_of(person))) == 1


async def test_a_repeat_gets_the_first_answer_though_the_rule_has_become_false(operator: Browser) -> None:
    browser, contact = await registered_company(operator)
    draft = proposal_body(contact)
    proposal = await browser.done("intake", "/v1/proposals", draft)
    path = f"/v1/proposals/{proposal['proposal_id']}"
    commands: list[dict[str, Any]] = [
        {
            "path": path,
            "body": proposal_revision(draft, 1, title="A quieter band"),
            "method": "PUT",
            "key": str(uuid4()),
        },
        {"path": f"{path}/withdraw", "key": str(uuid4())},
    ]
    first = [await browser.send("intake", **command) for command in commands]
    repeats = [await browser.send("intake", **command) for command in commands]
    assert [answer.json()["version"] for answer in first] == [2, 3]
    assert all(map(same, first, repeats))
    assert len(await events_of(browser.platform, ProposalFacts, proposal["proposal_id"])) == 3


async def test_a_key_of_yesterday_may_be_used_anew(operator: Browser) -> None:
    browser, key = operator.of(company_person()), str(uuid4())
    first = await browser.done("intake", CONTACTS, contact_body(), key=key)
    await grow_old(browser, 24.1)
    body = contact_body()
    second = await browser.send("intake", CONTACTS, body, key=key)
    assert second.json()["contact_id"] != first["contact_id"]
    assert same(second, await browser.send("intake", CONTACTS, body, key=key))
    assert await contacts_of(browser) == 2


async def test_a_key_is_kept_for_a_day(operator: Browser) -> None:
    browser, key, body = operator.of(company_person()), str(uuid4()), contact_body()
    first = await browser.send("intake", CONTACTS, body, key=key)
    await grow_old(browser, 23.9)
    assert same(first, await browser.send("intake", CONTACTS, body, key=key))


async def test_an_answer_of_yesterday_is_not_given_again(operator: Browser) -> None:
    browser, key = operator.of(company_person()), str(uuid4())
    await browser.done("intake", "/v1/companies", company_body(browser.person), key=key)
    await grow_old(browser, 24.1)
    answer = await browser.send("intake", "/v1/companies", company_body(browser.person), key=key)
    assert "registered already" in check_problem(answer, 409)["detail"]


async def test_a_refused_command_may_be_mended_under_its_key(operator: Browser) -> None:
    browser, contact = await registered_company(operator)
    key, draft = str(uuid4()), proposal_body(contact)
    for refused, status in ((draft | {"title": ""}, 422), (proposal_body(), 422)):
        check_problem(await browser.send("intake", "/v1/proposals", refused, key=key), status)
    proposal = await browser.done("intake", "/v1/proposals", draft, key=key)
    path, key = f"/v1/proposals/{proposal['proposal_id']}", str(uuid4())
    check_problem(await browser.send("intake", path, proposal_revision(draft, 7), method="PUT", key=key), 409)
    assert (await browser.done("intake", path, proposal_revision(draft, 1), method="PUT", key=key))["version"] == 2


async def test_our_own_failure_says_nothing_personal_and_is_not_remembered(operator: Browser) -> None:
    browser, key, body = operator.of(company_person()), str(uuid4()), contact_body()
    await query(operator, "revoke insert on intake.contact from i2pcc_intake")
    try:
        answer = await browser.send("intake", CONTACTS, body, key=key)
    finally:
        await query(operator, "grant insert on intake.contact to i2pcc_intake")
    assert "noted" in check_problem(answer, 500)["detail"]
    log = (operator.platform.processes.logs / "intake.log").read_text()
    assert "POST /v1/contacts failed: InsufficientPrivilegeError" in log
    assert body["mail"] not in log
    await browser.done("intake", CONTACTS, body, key=key)


async def test_a_database_that_is_away_is_a_503_that_says_to_send_the_same_again() -> None:
    router = APIRouter(prefix="/v1", route_class=QueryRoute)

    @router.get("/anything")
    async def anything(db: Session) -> None:
        await db.execute(text("select 1"))

    app = FastAPI()
    app.include_router(router)
    engine = connect(Database(url=f"postgresql://nobody@127.0.0.1:{free_ports(1)[0]}/none"), "test")
    app.state.sessions = sessions(engine)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        answer = await http.get("/v1/anything")
    check_problem(answer, 503)
    assert answer.headers["Retry-After"]
