"""Who may do what: docs/security.md has the table, and every route is asked as everyone."""

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter

from deploy.people import Person
from deploy.settings import SERVICES
from shared.http import Draft, commands, queries
from shared.service import OPEN, Service
from shared.vocabulary import COORDINATED, NETWORK, Region, Role
from tests.browser import Browser, check_problem
from tests.factories import enterprise_number, someone
from tests.routes import ROUTES, Route
from tests.world import World

NOBODY = "nobody"
LISTS = {
    "/v1/companies": "company_id",
    "/v1/consortia": "consortium_id",
    "/v1/proposal-drafts": "draft_id",
    "/v1/contacts": "contact_id",
    "/v1/proposals": "proposal_id",
    "/v1/needs": "need_id",
    "/v1/matches": "match_id",
    "/v1/need-drafts": "draft_id",
    "/v1/missions": "mission_id",
    "/v1/overview/needs": "need_id",
    "/v1/teasers": "proposal_id",
    "/v1/suggestions": "suggestion_id",
}
"""The lists, and what in them is known by an id."""
SINGLE = {"/v1/presentation": {"organisation": "limburg"}}
"""What there is one of for each organisation, and how the world's is known."""


def table() -> dict[tuple[str, str], dict[str, str]]:
    """The cells of the table by service and route, then by role."""
    text = (Path(__file__).parent.parent / "docs" / "security.md").read_text()
    section = text.partition("## Who may do what")[2].partition("\n## ")[0]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", section, re.M)]
    (_, _, *roles), _, *rows = lines
    assert roles == [*Role, NOBODY]
    made = {(service, route): dict(zip(roles, cells, strict=True)) for service, route, *cells in rows}
    assert len(made) == len(rows), "a route stands there twice"
    return made


TABLE = table()
OPENED = {place for place, cells in TABLE.items() if "open" in cells.values()}
CLOSED = TABLE.keys() - OPENED
CELLS = [(route, role) for route in ROUTES for role in (*Role, NOBODY)]


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert {(route.service, f"{route.method} {route.path}") for route in ROUTES} == CLOSED


@pytest.mark.parametrize("service", SERVICES)
async def test_a_running_service_has_the_routes_of_the_table(operator: Browser, service: str) -> None:
    paths = (await operator.http.get(f"{operator.platform.urls[service]}/openapi.json")).json()["paths"]
    found = {f"{method.upper()} {path}" for path, operations in paths.items() for method in operations}
    closed = {route for route in found if route.partition(" ")[2] not in OPEN}
    assert closed == {route for row, route in CLOSED if row == service}


@pytest.mark.parametrize("service", SERVICES)
async def test_what_is_open_stands_in_the_table(operator: Browser, service: str) -> None:
    paths = {route.partition(" ")[2] for _, route in OPENED}
    assert all(any(row == path or row.startswith(f"{path}/") for row in paths) for path in OPEN)
    for row, route in OPENED:
        assert set(TABLE[row, route].values()) == {"open"}
        method, _, path = route.partition(" ")
        assert any(path == opened or path.startswith(f"{opened}/") for opened in OPEN)
        answer = await operator.http.request(method, f"{operator.platform.urls[service]}{path}")
        assert answer.is_success == (row in ("each", service)), f"{route} of {row}"


@pytest.mark.parametrize(("route", "role"), CELLS, ids=str)
async def test_each_may_do_what_the_table_says(world: World, route: Route, role: str) -> None:
    match TABLE[route.service, f"{route.method} {route.path}"][role]:
        case "401":
            check_problem(await anonymous(world, route), 401)
        case "-":
            check_problem(await ask(world.browser(role, route), route, world.path(route), {}), 403)
        case "own":
            await check_own(world, route, role)
        case "self":
            browser = world.people[role]
            assert (await browser.read(route.service, route.path)).json()["subject"] == browser.person.subject
        case "all":
            assert await sees(world.browser(role, route), world, route)
        case "network":
            check_problem(await ask(world.browser(role, route), route, world.path(route), {}), 403)
            check_problem(await ask(world.anyone.of(someone(Role(role), "fit")), route, world.path(route), {}), 422)
        case cell:
            raise AssertionError(f"what does {cell!r} mean for {route}?")


async def check_own(world: World, route: Route, role: str) -> None:
    """What is one's own can be reached, another's is as if it were not there."""
    browser, stranger = world.browser(role, route), world.strangers[role]
    if "{" in route.path:
        foreign = await ask(stranger, route, world.path(route, role), world.body(route, world.stranger_contact))
        missing = await ask(browser, route, route.at(), world.body(route, world.contact))
        assert check_problem(foreign, 404) == check_problem(missing, 404)
        answer = await ask(browser, route, world.path(route, role), world.body(route, world.contact))
        assert answer.is_success or check_problem(answer, 409)
    elif route.method == "GET":
        assert await sees(browser, world, route)
        assert not await sees(stranger, world, route)
    else:
        check_problem(await ask(browser, route, route.path, {"nobody knows this": 1}), 422)


async def ask(browser: Browser, route: Route, path: str, body: Any) -> httpx.Response:
    """Send what the route takes."""
    sent = {} if route.method == "GET" or route.fields is None else {"body": body}
    answer: httpx.Response = await browser.send(route.service, path, method=route.method, **sent)
    return answer


async def anonymous(world: World, route: Route) -> httpx.Response:
    """The answer to somebody without a token."""
    url = f"{world.anyone.platform.urls[route.service]}{world.path(route)}"
    return await world.anyone.http.request(route.method, url, headers={"Idempotency-Key": "a-fresh-one"}, json={})


async def sees(browser: Browser, world: World, route: Route) -> bool:
    """Whether a route for reading shows the object, by itself or in its list."""
    if "{" in route.path:
        answer = await browser.read(route.service, world.path(route))
        return bool(answer.is_success) or not check_problem(answer, 404)
    if route.path in SINGLE:
        answer = await browser.read(route.service, route.path)
        return answer.is_success and SINGLE[route.path].items() <= answer.json().items()
    if route.path not in LISTS:
        return bool((await browser.read(route.service, route.path)).is_success)
    name = LISTS[route.path]
    wanted = world.ids_of(route, browser.person.role)[name]
    before = UUID(int=UUID(wanted).int - 1)
    page = (await browser.read(route.service, route.path, limit=1, after=str(before))).json()
    return wanted in [row[name] for row in page]


WITH_OWN = [
    route for route in ROUTES if TABLE[route.service, f"{route.method} {route.path}"][Role.COORDINATOR] == "own"
]
COORDINATORS = [
    route for route in WITH_OWN if route.method == "GET" and "/contacts" not in route.path and route.path not in SINGLE
]
"""What coordinators read of others; tests/test_contacts.py tells of people."""
COMMANDED = [route for route in WITH_OWN if route.command]


@pytest.mark.parametrize("organisation", NETWORK)
@pytest.mark.parametrize("route", COORDINATORS, ids=str)
async def test_who_looks_after_the_whole_network_reads_of_every_province(
    world: World, route: Route, organisation: str
) -> None:
    assert await sees(world.anyone.of(someone(Role.COORDINATOR, organisation)), world, route)


@pytest.mark.parametrize("organisation", [None, "", "other", "Limburg", "limburg ", "brussels"])
@pytest.mark.parametrize("route", COORDINATORS, ids=str)
async def test_a_coordinator_of_no_known_organisation_reads_nothing(
    world: World, route: Route, organisation: str | None
) -> None:
    assert not await sees(world.anyone.of(someone(Role.COORDINATOR, organisation)), world, route)


@pytest.mark.parametrize("route", COMMANDED, ids=str)
async def test_a_coordinator_of_no_known_organisation_commands_nothing(world: World, route: Route) -> None:
    body = world.body(route, world.contact) if "{" in route.path else {}
    answer = await ask(world.anyone.of(someone(Role.COORDINATOR, "other")), route, world.path(route), body)
    check_problem(answer, 404 if answer.status_code == 404 else 403)


def test_every_province_but_the_rest_of_flanders_has_its_coordinator() -> None:
    assert set(COORDINATED) == {"antwerp", "limburg", "east_flanders", "flemish_brabant"}


@pytest.mark.parametrize(
    "person",
    [
        someone(Role.COMPANY),
        someone(Role.REGION),
        Person(name="x", role=Role.COMPANY, region=Region.GUANGDONG),
        Person(name="x", role=Role.REGION, company=enterprise_number()),
    ],
    ids=["company", "region", "company with a region", "region with a company"],
)
@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_a_role_without_its_claim_may_do_nothing(world: World, route: Route, person: Person) -> None:
    check_problem(await ask(world.anyone.of(person), route, world.path(route), {}), 403)


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.PARTNER, Role.OPERATOR])
@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_claims_of_another_role_open_nothing(world: World, route: Route, role: Role) -> None:
    if TABLE[route.service, f"{route.method} {route.path}"][role] == "-":
        company = world.browser(Role.COMPANY, route).person.company
        person = Person(name="x", role=role, company=company, region=Region.GUANGDONG, organisation="limburg")
        check_problem(await ask(world.anyone.of(person), route, world.path(route), {}), 403)


@pytest.mark.parametrize("kind", ["own router", "alone", "mounted"])
def test_a_service_with_a_route_that_is_open_without_being_named_is_refused(kind: str) -> None:
    router = APIRouter()
    if kind == "own router":
        inner = APIRouter(prefix="/inner")
        inner.get("/open")(lambda: None)
        router.include_router(inner)
    elif kind == "alone":
        router.post("/open")(lambda: None)
    else:
        router.mount("/open", httpx.ASGITransport)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"/open neither asks who calls nor is in shared\.service\.OPEN"):
        Service(name="intake", title="x", routers=[router]).app()


def test_what_is_read_and_what_is_commanded_asks_who_calls_by_itself() -> None:
    read, write = queries(), commands()
    read.get("/anything")(lambda: None)

    @write.post("/anything")
    async def do(draft: Draft) -> None: ...

    Service(name="intake", title="x", routers=[read, write]).app()
