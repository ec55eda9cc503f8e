"""Every service's audit log: each command leaves its row, and no service can change one."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from deploy.embedded.platform import Platform
from deploy.settings import SERVICES
from deploy.waiting import until
from shared.events import CATALOG
from shared.vocabulary import Region, Role
from tests.browser import Browser, region_with_contact, registered_company
from tests.factories import (
    company_body,
    company_of,
    company_person,
    company_revision,
    consortium_body,
    contact_body,
    invitation_body,
    lead_body,
    mission_body,
    mission_revision,
    need_body,
    need_revision,
    proposal_body,
    proposal_revision,
    region_person,
    someone,
)
from tests.intake.puzzles import issued, revision
from tests.regions.visits import match_of
from tests.routes import COMMANDS, Route
from tests.tables import audit_rows, superuser


class Told:
    """Does commands, and finds for each its one row."""

    def __init__(self) -> None:
        self.done: set[tuple[str, str]] = set()

    async def __call__(
        self,
        browser: Browser,
        service: str,
        route: str,
        *events: str,
        body: Any = None,
        about: tuple[str, str] | None = None,
        **ids: str,
    ) -> Any:
        """Do a command; its row names these events' objects by their ids, or what it is about. What it answered."""
        key, (method, path) = str(uuid4()), route.split()
        answer = await browser.done(service, path.format(**ids), body, method=method, key=key)
        (row,) = await audit_rows(browser.platform, service, key)
        assert {name: row[name] for name in ("subject", "role", "action", "objects")} == {
            "subject": browser.person.subject,
            "role": browser.person.role,
            "action": route,
            "objects": [{"type": name, "key": answer[CATALOG[name].key]} for name in events]
            + ([{"type": about[0], "key": answer[about[1]]}] if about else []),
        }
        self.done.add((service, route))
        return answer


async def names_people(browser: Browser, told: Told, service: str) -> Any:
    """Share two contacts, revise one and erase the other; the first one."""
    kept, erased = [
        await told(browser, service, "POST /v1/contacts", "ContactShared", body=contact_body()) for _ in "12"
    ]
    route, at = "/v1/contacts/{contact_id}", {"contact_id": kept["contact_id"]}
    await told(browser, service, f"PUT {route}", "ContactShared", body=contact_body(version=1), **at)
    await told(browser, service, f"POST {route}/erase", "ContactErased", contact_id=erased["contact_id"])
    return kept


async def a_company_acts(operator: Browser, told: Told) -> None:
    """All that a company can do."""
    lead, (other, _), (third, _) = operator.of(company_person()), *[await registered_company(operator) for _ in "12"]
    await told(lead, "intake", "POST /v1/companies", "CompanyRegistered", body=company_body(lead.person))
    contact = await names_people(lead, told, "intake")
    parts = {}
    for answer, people in (("decline", [other, third]), ("confirm", [other])):
        body = consortium_body(*(browser.person for browser in people))
        parts[answer] = await told(lead, "intake", "POST /v1/consortia", "ConsortiumOpened", body=body)
    for answer, event in (("decline", "PartDeclined"), ("confirm", "PartConfirmed")):
        route = f"POST /v1/consortia/{{consortium_id}}/parts/{{part_id}}/{answer}"
        mine = next(part for part in parts[answer]["parts"] if part["company_id"] == company_of(other.person))
        ids = {"consortium_id": parts[answer]["consortium_id"], "part_id": mine["part_id"]}
        await told(other, "intake", route, event, **ids)
    draft = proposal_body(contact["contact_id"], consortium_id=parts["confirm"]["consortium_id"])
    events = ("ConsortiumClosed", "ProposalSubmitted")
    proposal = await told(lead, "intake", "POST /v1/proposals", *events, body=draft)
    at = {"proposal_id": proposal["proposal_id"]}
    revision = proposal_revision(draft, 1)
    await told(lead, "intake", "PUT /v1/proposals/{proposal_id}", "ProposalRevised", body=revision, **at)
    await told(lead, "intake", "POST /v1/proposals/{proposal_id}/withdraw", "ProposalWithdrawn", **at)


async def a_company_drafts(operator: Browser, told: Told) -> None:
    """What leads to no event until it is submitted."""
    company, contact = await registered_company(operator)
    path = "/v1/proposal-drafts"
    for end, events in (("discard", []), ("submit", ["ProposalSubmitted"])):
        draft = await told(company, "intake", f"POST {path}", body=proposal_body(contact))
        at = {"draft_id": draft["draft_id"]}
        edit = proposal_body(contact) | {"version": 1}
        await told(company, "intake", f"PUT {path}/{{draft_id}}", body=edit, **at)
        await told(company, "intake", f"POST {path}/{{draft_id}}/{end}", *events, body={"version": 2}, **at)


async def a_company_looks_for_others(operator: Browser, told: Told) -> None:
    """A consortium with a part that nobody brings yet."""
    (lead, _), (guest, _) = [await registered_company(operator) for _ in "12"]
    company = company_revision(company_body(lead.person), 1)
    at = {"company_id": company_of(lead.person)}
    await told(lead, "intake", "PUT /v1/companies/{company_id}", "CompanyRevised", body=company, **at)
    consortium = await lead.done("intake", "/v1/consortia", consortium_body(parts=[{"title": "Drying"}]))
    at = {"consortium_id": consortium["consortium_id"]}
    for answer, event in (("decline", "PartDeclined"), ("confirm", "PartConfirmed")):
        route = "POST /v1/consortia/{consortium_id}/parts/{part_id}/invitations"
        part = {"part_id": consortium["wanted"][0]["part_id"]}
        sent = await told(lead, "intake", route, "InvitationIssued", body=invitation_body(), **at, **part)
        body = {"token": (await issued(lead, sent)).token}
        consortium = await told(guest, "intake", f"POST /v1/invitations/{answer}", event, body=body)
    body = revision(consortium, {"title": "Sorting"})
    await told(lead, "intake", "PUT /v1/consortia/{consortium_id}", "ConsortiumRevised", body=body, **at)


async def a_region_acts(operator: Browser, told: Told) -> None:
    """All that a region can do with its needs."""
    region = operator.of(region_person())
    contact = await names_people(region, told, "regions")
    draft = need_body(contact["contact_id"])
    need = await told(region, "regions", "POST /v1/needs", "NeedPosted", body=draft)
    at = {"need_id": need["need_id"]}
    await told(region, "regions", "PUT /v1/needs/{need_id}", "NeedRevised", body=need_revision(draft, 1), **at)
    closure = {"version": 2, "reason": "fulfilled"}
    await told(region, "regions", "POST /v1/needs/{need_id}/close", "NeedClosed", body=closure, **at)
    for step, *events in (("post", "NeedPosted"), ("discard",)):
        kept = await told(region, "regions", "POST /v1/need-drafts", body=draft)
        at = {"draft_id": kept["draft_id"]}
        await told(region, "regions", "PUT /v1/need-drafts/{draft_id}", body=need_revision(draft, 1), **at)
        await told(region, "regions", f"POST /v1/need-drafts/{{draft_id}}/{step}", *events, body={"version": 2}, **at)


async def a_mission_is_made(operator: Browser, told: Told) -> None:
    """All that can be done with a mission, and with a region's ties."""
    coordinator, region = operator.of(someone(Role.COORDINATOR, "fit")), operator.of(region_person(Region.SHAANXI))
    plan = mission_body(regions=["shaanxi"])
    mission = await told(coordinator, "regions", "POST /v1/missions", "MissionPlanned", body=plan)
    at = {"mission_id": mission["mission_id"]}
    revision = mission_revision(mission, 1)
    await told(coordinator, "regions", "PUT /v1/missions/{mission_id}", "MissionRevised", body=revision, **at)
    lead = lead_body(region="shaanxi")
    mission = await told(region, "regions", "POST /v1/missions/{mission_id}/leads", "LeadRecorded", body=lead, **at)
    at |= {"lead_id": mission["leads"][0]["lead_id"]}
    await told(region, "regions", "POST /v1/missions/{mission_id}/leads/{lead_id}/draft", **at)
    at |= {"stop_id": mission["programme"][0]["stop_id"]}
    linked = {"version": 3, "match_id": await match_of(operator, Region.SHAANXI)}
    route = "POST /v1/missions/{mission_id}/stops/{stop_id}/match"
    await told(coordinator, "regions", route, "MissionRevised", body=linked, **at)
    (now,) = [row for row in (await operator.read("regions", "/v1/regions")).json() if row["region"] == "shaanxi"]
    ties = {"version": now["version"], "provinces": ["antwerp"]}
    await told(coordinator, "regions", "PUT /v1/regions/{region}/ties", body=ties, region="shaanxi")


async def a_match_is_decided_on(operator: Browser, told: Told) -> None:
    """All steps that people take, on four proposals for the same need; two wait for the coordinator."""
    region, contact = await region_with_contact(operator, Region.CHONGQING)
    company, company_contact = await registered_company(operator, province="east_flanders")
    coordinator = operator.of(someone(Role.COORDINATOR, "east_flanders"))
    text: dict[str, Any] = {"title": f"Storing heat in basalt {uuid4().hex[:8]}", "challenges": [2]}
    need = await region.done("regions", "/v1/needs", need_body(contact, **text))

    async def matched(state: str) -> dict[str, Any]:
        proposal = await company.done("intake", "/v1/proposals", proposal_body(company_contact, **text))
        found: dict[str, Any] = {}

        async def reached() -> bool:
            query = {"need_id": need["need_id"], "proposal_id": proposal["proposal_id"], "state": state}
            for match in (await coordinator.read("matching", "/v1/matches", **query)).json():
                found.update(match)
            return bool(found)

        assert await until(reached, 60)
        return found

    async def take(by: Browser, match: dict[str, Any], step: str, *events: str, **body: Any) -> Any:
        route = f"POST /v1/matches/{{match_id}}/{step}"
        about = None if events else ("Match", "match_id")
        body = {"version": match["version"]} | body
        return await told(by, "matching", route, *events, body=body, about=about, match_id=match["match_id"])

    one, other = await matched("presented"), await matched("presented")
    await take(region, one, "interest")
    one = await take(coordinator, one, "remind", "MatchReminded")
    await take(region, one, "accept", "MatchAccepted")
    await take(region, other, "decline", "MatchDeclined", reason="Not now.")

    held = (await coordinator.read("matching", "/v1/presentation")).json()
    path, presenting = "PUT /v1/presentation", {"version": held["version"], "threshold": None}
    about = ("Presentation", "organisation")
    presenting = await told(coordinator, "matching", path, body=presenting, about=about)
    third, fourth = await matched("found"), await matched("found")
    await coordinator.done(
        "matching", "/v1/presentation", {"version": presenting["version"], "threshold": 0.31}, method="PUT"
    )
    await take(coordinator, third, "veto", "MatchVetoed", objection="not_mature")
    await take(coordinator, fourth, "shortlist", "MatchShortlisted", "MatchPresented")

    async def introduced() -> bool:
        one.update((await region.read("matching", f"/v1/matches/{one['match_id']}")).json())
        return bool(one["state"] == "introduced")

    assert await until(introduced, 60)
    await take(company, one, "outcome", "OutcomeReported", outcome="pilot")


STORIES = (
    a_company_acts,
    a_company_drafts,
    a_company_looks_for_others,
    a_region_acts,
    a_match_is_decided_on,
    a_mission_is_made,
)


async def test_every_command_leaves_one_row_that_tells_who_did_what_to_which_objects(operator: Browser) -> None:
    told = Told()
    for story in STORIES:
        await story(operator, told)
    assert told.done == {(route.service, f"{route.method} {route.path}") for route in COMMANDS}


@pytest.mark.parametrize("route", COMMANDS, ids=str)
async def test_a_refused_command_leaves_no_row(operator: Browser, route: Route) -> None:
    key = str(uuid4())
    body = {"nobody knows this": 1} if route.fields else None
    refused = await operator.of(route.user()).send(route.service, route.at(), body, method=route.method, key=key)
    assert 400 <= refused.status_code < 500
    assert await audit_rows(operator.platform, route.service, key) == []


async def test_a_command_that_fails_at_its_commit_leaves_no_row(operator: Browser) -> None:
    """The company is there already, under another id: its number is unique."""
    registered, _ = await registered_company(operator)
    async with superuser(operator.platform) as connection:
        await connection.execute(
            "update intake.company set company_id = $1 where company_id = $2", uuid4(), company_of(registered.person)
        )
    key = str(uuid4())
    refused = await registered.send("intake", "/v1/companies", company_body(registered.person), key=key)
    assert refused.status_code == 409
    assert await audit_rows(operator.platform, "intake", key) == []


async def test_a_repeated_command_leaves_no_second_row(operator: Browser) -> None:
    browser, key, body = operator.of(company_person()), str(uuid4()), contact_body()
    for _ in range(3):
        await browser.done("intake", "/v1/contacts", body, key=key)
    assert len(await audit_rows(operator.platform, "intake", key)) == 1


async def test_a_row_holds_nothing_of_a_person_but_ids(operator: Browser) -> None:
    browser, key, body = operator.of(company_person()), str(uuid4()), contact_body()
    await browser.done("intake", "/v1/contacts", body, key=key)
    (row,) = await audit_rows(operator.platform, "intake", key)
    assert not [field for field in ("name", "mail", "phone", "organisation") if body[field] in str(row)]


@pytest_asyncio.fixture(params=SERVICES)
async def role(
    request: pytest.FixtureRequest, platform: Platform
) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection of a service's own role."""
    connection = await asyncpg.connect(platform.database_url(platform.manifest.services[request.param].role))
    yield connection
    await connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "update audit set subject = 'somebody else'",
        "delete from audit",
        "truncate audit",
        "alter table audit disable trigger all",
        "alter table audit owner to current_user",
        "drop table audit",
        "insert into audit (at, subject, action, objects) values ('2020-01-01', 'x', 'y', '[]')",
        "insert into audit (id, subject, action, objects) overriding system value values (-1, 'x', 'y', '[]')",
        "update audit_seal set hash = ''",
        "delete from audit_seal",
        "truncate audit_seal",
        "alter table audit_seal disable trigger all",
        "alter table audit_seal owner to current_user",
        "alter table audit_seal drop constraint audit_seal_pkey",
        "update audit_unsealed set audit_id = 0",
        "truncate audit_unsealed",
        "create trigger mine before insert on audit execute function suppress_redundant_updates_trigger()",
        "set session_replication_role = replica",
    ],
)
async def test_a_service_cannot_change_what_is_append_only(
    role: "asyncpg.Connection[asyncpg.Record]", statement: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await role.execute(statement)


async def test_a_position_has_one_seal_and_a_row_one_position(role: "asyncpg.Connection[asyncpg.Record]") -> None:
    for second in ((-1, -2), (-2, -1)):
        transaction = role.transaction()
        await transaction.start()
        await role.execute("insert into audit_seal values (-1, -1, '')")
        with pytest.raises(asyncpg.UniqueViolationError):
            await role.execute("insert into audit_seal values ($1, $2, '')", *second)
        await transaction.rollback()
