"""People to reach: shared, revised and read by their own side, erased by it and by those who look after it."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text, true
from sqlmodel import select

from deploy.embedded.platform import Platform
from services.intake.models import Base, Contact
from shared import contacts
from shared.events import ContactErased, ContactShared
from shared.vocabulary import NETWORK, Digest, Region, Role
from tests.browser import Browser, check_problem
from tests.factories import (
    company_body,
    company_of,
    company_person,
    contact_body,
    need_body,
    proposal_body,
    region_person,
    someone,
)
from tests.tables import emptied, superuser
from tests.topics import events_of

CONTACTS = "/v1/contacts"
PERSONAL = ("name", "mail", "phone", "organisation")
SIDES = {
    "company": ("intake", company_person),
    "region": ("regions", region_person),
    "coordinator": ("regions", lambda: someone(Role.COORDINATOR, "limburg")),
}
"""Who shares contacts, and where."""


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest, operator: Browser) -> tuple[str, Browser]:
    """A service, and someone who shares contacts there."""
    service, made = SIDES[request.param]
    return service, operator.of(made())


async def everybody(browser: Browser, service: str) -> dict[str, Any]:
    """All contacts of the browser's side, by id."""
    found: dict[str, Any] = {}
    while page := (await browser.read(service, CONTACTS, limit=100, **({"after": max(found)} if found else {}))).json():
        found |= {contact["contact_id"]: contact for contact in page}
    return found


async def waiting(platform: Platform, service: str, contact_id: str) -> list[dict[str, Any]]:
    """What the outbox holds back of a contact."""
    query = f"""
        select *, extract(epoch from not_before - created_at) as wait from {service}.outbox o
        where key = $1 and not_before > now() order by id
    """
    async with superuser(platform) as connection:
        return [dict(row) for row in await connection.fetch(query, contact_id)]


async def test_what_is_said_of_a_person_is_told_to_notify_and_shown_to_its_own_side(side: tuple[str, Browser]) -> None:
    service, browser = side
    body = contact_body(digest="weekly")
    answer = await browser.done(service, CONTACTS, body)
    contact_id = answer["contact_id"]
    assert answer == {"contact_id": contact_id, "version": 1}
    assert (await everybody(browser, service))[contact_id] == body | answer

    changed = contact_body(name="Griet Maes", phone=None)
    answer = await browser.done(service, f"{CONTACTS}/{contact_id}", changed | {"version": 1}, method="PUT")
    assert answer == {"contact_id": contact_id, "version": 2}
    assert (await everybody(browser, service))[contact_id] == changed | answer | {"digest": "at_once"}
    told = await events_of(browser.platform, ContactShared, contact_id)
    person = browser.person
    owner = {
        "company_id": company_of(person) if person.company else None,
        "region": person.region,
        "coordinates": person.organisation,
        "subject": person.subject,
        "contact_id": contact_id,
    }
    assert [event.model_dump(mode="json") for event in told] == [
        body | owner | {"version": 1},
        changed | owner | {"version": 2, "digest": Digest.AT_ONCE},
    ]


@pytest.mark.parametrize("version", [0, 2, -1, 10**30])
async def test_a_revision_of_another_version_is_refused(side: tuple[str, Browser], version: int) -> None:
    service, browser = side
    contact_id = (await browser.done(service, CONTACTS, contact_body()))["contact_id"]
    revision = contact_body(version=version)
    answer = await browser.send(service, f"{CONTACTS}/{contact_id}", revision, method="PUT")
    assert "at version 1" in check_problem(answer, 409)["detail"]


async def test_an_erased_person_is_gone_and_is_said_again_when_its_segment_is_closed(side: tuple[str, Browser]) -> None:
    service, browser = side
    contact_id = (await browser.done(service, CONTACTS, contact_body()))["contact_id"]
    path = f"{CONTACTS}/{contact_id}"
    answer = await browser.done(service, f"{path}/erase")
    assert contact_id not in await everybody(browser, service)
    told = await events_of(browser.platform, ContactShared, contact_id)
    assert isinstance(told[-1], ContactErased)
    assert answer == told[-1].model_dump(mode="json")
    markers = await waiting(browser.platform, service, contact_id)
    assert [(row["type"], row["value"], int(row["wait"])) for row in markers] == [
        ("ContactErased", None, 3_660),
        ("ContactErased", None, 3_660 + 86_400),
    ]
    again = await browser.send(service, f"{path}/erase")
    assert check_problem(again, 404) == check_problem(
        await browser.send(service, path, contact_body(version=1), method="PUT"), 404
    )


async def test_what_was_not_published_yet_never_is(second_database: Callable[[str], str]) -> None:
    """Kafka was away, say: there is no relay in this database."""
    someone = Contact(subject="x", company_id=uuid4(), **contact_body(digest="daily"))
    async with emptied(second_database("i2pcc_intake"), Base) as sessions:
        async with sessions() as db, db.begin():
            contacts.share(db, someone)
        async with sessions() as db, db.begin():
            await contacts.erase(db, Contact, someone.contact_id, true())
        async with sessions() as db:
            rows = (await db.execute(text("select type, value from outbox"))).all()
            assert (await db.scalars(select(Contact))).all() == []
    assert [tuple(row) for row in rows] == [("ContactErased", None)] * 3


async def test_an_answer_that_is_kept_holds_nothing_of_the_person(side: tuple[str, Browser]) -> None:
    service, browser = side
    body = contact_body()
    contact_id = (await browser.done(service, CONTACTS, body))["contact_id"]
    await browser.done(service, f"{CONTACTS}/{contact_id}", body | {"version": 1}, method="PUT")
    await browser.done(service, f"{CONTACTS}/{contact_id}/erase")
    async with superuser(browser.platform) as connection:
        kept = await connection.fetch(
            f"select body from {service}.idempotency where caller = $1", browser.person.subject
        )
    assert len(kept) == 3
    assert [name for row in kept for name in PERSONAL if body[name].encode() in row["body"]] == []


async def test_another_side_neither_reads_nor_changes_nor_erases(side: tuple[str, Browser]) -> None:
    service, browser = side
    contact_id = (await browser.done(service, CONTACTS, contact_body()))["contact_id"]
    strangers = {
        Role.COMPANY: [company_person()],
        Role.REGION: [region_person(Region.SHAANXI), someone(Role.COORDINATOR, "limburg")],
        Role.COORDINATOR: [region_person(Region.SHAANXI), someone(Role.COORDINATOR, "antwerp")],
    }[browser.person.role]
    for stranger in map(browser.of, strangers):
        assert contact_id not in await everybody(stranger, service)
        path = f"{CONTACTS}/{contact_id}"
        check_problem(await stranger.send(service, path, contact_body(version=1), method="PUT"), 404)
        check_problem(await stranger.send(service, f"{path}/erase"), 404)
    assert contact_id in await everybody(browser, service)


@pytest.mark.parametrize("organisation", NETWORK)
async def test_the_network_erases_whoever_asks_it_to(side: tuple[str, Browser], organisation: str) -> None:
    service, browser = side
    contact_id = (await browser.done(service, CONTACTS, contact_body()))["contact_id"]
    coordinator = browser.of(someone(Role.COORDINATOR, organisation))
    await coordinator.done(service, f"{CONTACTS}/{contact_id}/erase")
    assert contact_id not in await everybody(browser, service)


@pytest.mark.parametrize(("organisation", "status"), [("limburg", 200), ("antwerp", 404), ("brussels", 404)])
async def test_a_coordinator_erases_for_the_companies_of_its_province(
    operator: Browser, organisation: str, status: int
) -> None:
    company, coordinator = operator.of(company_person()), operator.of(someone(Role.COORDINATOR, organisation))
    contact_id = (await company.done("intake", CONTACTS, contact_body()))["contact_id"]
    path = f"{CONTACTS}/{contact_id}/erase"
    check_problem(await coordinator.send("intake", path), 404)
    await company.done("intake", "/v1/companies", company_body(company.person, province="limburg"))
    assert (await coordinator.send("intake", path)).status_code == status


@pytest.mark.parametrize("organisation", [None, "other", "Limburg", "brussels"])
async def test_a_coordinator_of_no_known_organisation_has_no_people(
    operator: Browser, organisation: str | None
) -> None:
    browser = operator.of(someone(Role.COORDINATOR, organisation))
    check_problem(await browser.send("regions", CONTACTS, contact_body()), 403)
    check_problem(await browser.read("regions", CONTACTS), 403)


async def test_who_was_erased_can_be_named_in_nothing_new(operator: Browser) -> None:
    company, region = operator.of(company_person()), operator.of(region_person())
    await company.done("intake", "/v1/companies", company_body(company.person))
    for browser, service, path, body in (
        (company, "intake", "/v1/proposals", proposal_body),
        (region, "regions", "/v1/needs", need_body),
    ):
        contact_id = (await browser.done(service, CONTACTS, contact_body()))["contact_id"]
        await browser.done(service, f"{CONTACTS}/{contact_id}/erase")
        check_problem(await browser.send(service, path, body(contact_id)), 422, "body.contact_id")


@pytest.mark.parametrize(
    "mail",
    [
        "a(b)@x.be",
        '"an peeters"@x.be',
        ".an@x.be",
        "an.@x.be",
        "an..peeters@x.be",
        "an@x",
        "an@-x.be",
        "an@x-.be",
        "an@x..be",
        "an@x.b",
        "an@x.be.",
        "an@[127.0.0.1]",
        "an@127.0.0.1",
        "an@x.be, b@x.be",
        "an@x.be\r\nBcc: b@x.be",
        "an\x00@x.be",
        "an@b@x.be",
        "安@x.be",
        f"{'a' * 65}@x.be",
        f"an@{'x' * 64}.be",
        f"an@{'x.' * 125}be",
    ],
)
async def test_an_address_that_not_every_mail_server_takes_is_refused(operator: Browser, mail: str) -> None:
    browser = operator.of(company_person())
    check_problem(await browser.send("intake", CONTACTS, contact_body(mail=mail)), 422, "body.mail")


@pytest.mark.parametrize(
    "mail",
    [
        "an.peeters+i2pcc@sub.scheldeklaar.example",
        "o'brien@x-y.be",
        "a@b.co",
        "li.wei@xn--fiqs8s.xn--fiqs8s",
        f"{'a' * 64}@{'x' * 63}.be",
        " an@x.be ",
    ],
)
async def test_an_address_that_every_mail_server_takes_is_kept_as_it_is(operator: Browser, mail: str) -> None:
    browser = operator.of(company_person())
    contact_id = (await browser.done("intake", CONTACTS, contact_body(mail=mail)))["contact_id"]
    assert (await everybody(browser, "intake"))[contact_id]["mail"] == mail.strip()


async def test_a_contact_that_is_not_there_is_a_404(side: tuple[str, Browser]) -> None:
    service, browser = side
    check_problem(await browser.send(service, f"{CONTACTS}/{uuid4()}/erase"), 404)
