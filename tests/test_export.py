"""Everybody is told what is held about them, by each service and by one command; nobody else's is among it."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import text

from deploy import people
from deploy.embedded.platform import Platform
from deploy.settings import SERVICES, free_ports
from deploy.waiting import until
from shared import held
from shared.vocabulary import Role
from tests.browser import Browser, check_problem
from tests.deploy.test_cli import run
from tests.factories import contact_body, someone
from tests.tables import rolled_back
from tests.test_personal_data import introduced, marked

ACT = text("insert into audit (subject, action, objects) values (:subject, :action, '[]')")
DATA = "/v1/me/data"


async def data(browser: Browser) -> dict[str, Any]:
    """What each service holds about whose browser this is."""
    return {service: (await browser.read(service, DATA)).json() for service in SERVICES}


def kinds(found: dict[str, Any]) -> dict[str, dict[str, int]]:
    """How many rows of each kind there are."""
    return {
        service: counts
        for service, told in found.items()
        if (counts := {kind: len(rows) for kind, rows in told["rows"].items() if rows})
    }


async def test_each_is_told_of_its_own_contacts_of_the_mails_to_them_and_of_what_it_did(operator: Browser) -> None:
    bodies, marks = zip(marked(), marked(), strict=True)
    contacts = await introduced(operator, list(bodies))
    (company_contact, company), (region_contact, region) = contacts.items()
    told = await data(company)
    assert kinds(told)["intake"] == {"contacts": 2}
    assert len(told["notify"]["rows"]["contacts"]) == 2
    for service in ("intake", "notify"):
        (contact,) = [each for each in told[service]["rows"]["contacts"] if each["contact_id"] == company_contact]
        assert {name: contact[name] for name in bodies[0]} == bodies[0]
    mails = {mail["template"]: mail["state"] for mail in told["notify"]["rows"]["deliveries"]}
    assert mails.pop("no_match", "sent") == "sent", (
        "there is one if the proposal was compared before the need was there"
    )
    assert mails.keys() == {"found", "introduction"}
    assert mails["introduction"] == "sent"
    assert [act["action"] for act in told["intake"]["audit"]] == [
        answer["route"] for answer in reversed(told["intake"]["answers"])
    ]
    told_of_region = await data(region)
    held = kinds(told_of_region)
    assert (held["regions"], held["notify"]["contacts"]) == ({"contacts": 1}, 1)
    assert {mail["template"] for mail in told_of_region["notify"]["rows"]["deliveries"]} == {
        "presented",
        "introduction",
    }
    assert told_of_region["matching"]["audit"][0]["action"] == "POST /v1/matches/{match_id}/accept"
    for found, foreign in ((told, marks[1]), (told_of_region, marks[0])):
        assert not [mark for mark in foreign if mark in json.dumps(found)]

    await region.done("regions", f"/v1/contacts/{region_contact}/erase")

    async def forgotten() -> bool:
        return kinds(await data(region)) == {}

    assert await until(forgotten, 30)
    left = await data(region)
    assert not [mark for mark in marks[1] if mark in json.dumps(left)]
    assert left["regions"]["audit"][-1]["objects"] == [{"type": "ContactErased", "key": region_contact}]


async def test_of_who_did_nothing_nothing_is_held(operator: Browser) -> None:
    for role in (Role.COORDINATOR, Role.PARTNER, Role.OPERATOR):
        told = await data(operator.of(someone(role)))
        assert [(each["audit"], each["answers"], each["after"]) for each in told.values()] == [([], [], None)] * 4
        assert kinds(told) == {}


async def test_a_long_audit_log_is_told_part_by_part(platform: Platform) -> None:
    async with rolled_back(platform.database_url("i2pcc_matching")) as db:
        subject = str(uuid4())
        for action in "123":
            await db.execute(ACT, {"subject": subject, "action": action})
        first, after = await held.acts(db, subject, 0, limit=2)
        assert after
        rest, end = await held.acts(db, subject, after, limit=2)
        assert ([act.action for act in (*first, *rest)], end) == (["1", "2", "3"], None)


async def test_a_place_in_the_audit_log_that_cannot_be_is_refused(operator: Browser) -> None:
    for after in (-1, 2**63, "x"):
        check_problem(await operator.read("intake", DATA, after=after), 422, "query.after")


async def test_the_command_tells_what_every_service_holds(operator: Browser, tmp_path: Path) -> None:
    person = people.find("an.peeters", people.load())
    mark, environment = uuid4().hex, {"I2PCC_STATE": str(operator.platform.settings.state)}
    browser = operator.of(person)
    contact = (await browser.done("intake", "/v1/contacts", contact_body(name=mark)))["contact_id"]

    shown = run("export", "An.Peeters", **environment)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert mark in shown.stdout.replace("\n", "").replace(" ", "")
    told = run("export", "an.peeters", "--json", "-", **environment)
    assert (told.returncode, told.stderr) == (0, "")
    found = json.loads(told.stdout)
    assert {service: each["subject"] for service, each in found.items()} == dict.fromkeys(SERVICES, person.subject)
    assert mark in [each["name"] for each in found["intake"]["rows"]["contacts"]]

    file = tmp_path / "an.json"
    written = run("export", "an.peeters", "--json", str(file), **environment)
    assert (written.returncode, written.stderr) == (0, "")
    assert file.stat().st_mode & 0o777 == 0o600
    assert contact in [each["contact_id"] for each in json.loads(file.read_text())["intake"]["rows"]["contacts"]]
    elsewhere = run("export", "an.peeters", "--json", str(tmp_path / "no" / "an.json"), **environment)
    assert (elsewhere.returncode, elsewhere.stderr.splitlines()[-1]) == (1, "Name a file in another folder.")


def test_nothing_can_be_told_of_a_stranger_or_while_nothing_runs(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    environment = {"I2PCC_STATE": str(tmp_path / "state"), "I2PCC_SIGNIN_PORT": str(port)}
    assert run("export", "an.peters", **environment).stderr.startswith("Nobody in the sample is called an.peters.")
    assert "Start it with: i2pcc up" in run("export", "an.peeters", **environment).stderr
