"""What every service tells Prometheus: enough to see how it fares, and nothing about anybody."""

import re
from uuid import UUID, uuid4

import pytest

from deploy.embedded.platform import Platform
from deploy.settings import SERVICES
from deploy.waiting import until
from services.matching.metrics import STEPS
from services.matching.rules import match_id
from services.notify.rules import Template
from shared.events import CATALOG
from shared.metrics import METHODS, OTHER
from shared.service import OPEN
from shared.vocabulary import Region
from tests.browser import Browser, region_with_contact, registered_company
from tests.factories import company_person, need_body, proposal_body
from tests.routes import ROUTES
from tests.scrape import Scrape, scraped
from tests.world import World

REQUESTS = "i2pcc_http_request_duration_seconds_count"
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")


async def told(browser: Browser, service: str) -> Scrape:
    """What a running service tells now."""
    return await scraped(browser.http, browser.platform.urls[service])


@pytest.mark.parametrize("service", SERVICES)
async def test_labels_are_of_small_sets_and_name_nobody(world: World, service: str) -> None:
    found = await told(world.anyone, service)
    paths = {route.path for route in ROUTES if route.service == service} | OPEN | {OTHER}
    assert found.values(REQUESTS, "route") <= paths
    assert found.values(REQUESTS, "method") <= {*METHODS, OTHER}
    assert found.values(REQUESTS, "status") <= {"2xx", "3xx", "4xx", "5xx"}
    assert found.values("i2pcc_events_published_total", "type") <= CATALOG.keys()
    assert found.values("i2pcc_events_consumed_total", "type") <= CATALOG.keys()
    assert found.values("i2pcc_mails_total", "template") <= set(Template)
    text = (await world.anyone.http.get(f"{world.anyone.platform.urls[service]}/metrics")).text
    assert "i2pcc_relay_owner 1.0" in text
    assert not ID.search(text)
    assert not [person.person.subject for person in world.people.values() if person.person.subject in text]


async def test_requests_are_measured_by_route_and_outcome(operator: Browser) -> None:
    browser = operator.of(company_person())

    def of(found: Scrape, route: str, method: str, status: str) -> float:
        return found(REQUESTS, route=route, method=method, status=status)

    before = await told(operator, "intake")
    for _ in range(3):
        await browser.read("intake", f"/v1/proposals/{uuid4()}")
    await browser.read("intake", "/v1/proposals")
    await operator.http.get(f"{operator.platform.urls['intake']}/{uuid4()}")
    await operator.http.request("PURGE", f"{operator.platform.urls['intake']}/health/live")
    after = await told(operator, "intake")
    for expected, *place in (
        (3, "/v1/proposals/{proposal_id}", "GET", "4xx"),
        (1, "/v1/proposals", "GET", "2xx"),
        (1, OTHER, "GET", "4xx"),
        (1, "/health/live", OTHER, "4xx"),
    ):
        assert of(after, *place) - of(before, *place) == expected, place
    assert after("i2pcc_http_request_duration_seconds_sum") > before("i2pcc_http_request_duration_seconds_sum")


async def test_what_is_refused_before_any_route_is_counted(operator: Browser) -> None:
    before = await told(operator, "intake")
    await operator.http.get(f"{operator.platform.urls['intake']}/health/live", headers={"X-Long": "x" * 40_000})
    after = await told(operator, "intake")
    assert after("i2pcc_http_refused_total", status="431") - before("i2pcc_http_refused_total", status="431") == 1


async def test_a_match_is_counted_once_although_it_is_told_on_its_regions_topic_too(operator: Browser) -> None:
    begin = {service: await told(operator, service) for service in SERVICES}
    region, contact = await region_with_contact(operator, Region.GUANGDONG)
    company, theirs = await registered_company(operator)
    fields = {"title": f"Compressing green hydrogen {uuid4().hex[:8]}", "challenges": [8]}
    need = await region.done("regions", "/v1/needs", need_body(contact, **fields))
    proposal = await company.done("intake", "/v1/proposals", proposal_body(theirs, **fields))
    match = match_id(UUID(need["need_id"]), UUID(proposal["proposal_id"]))

    async def presented() -> bool:
        return bool((await region.read("matching", f"/v1/matches/{match}")).is_success)

    assert await until(presented, 60)
    before = await told(operator, "matching")
    assert before.values("i2pcc_matches_total", "step") == set(STEPS.values())
    for service, name, labels in (
        ("intake", "i2pcc_events_published_total", {"type": "ProposalSubmitted"}),
        ("regions", "i2pcc_events_published_total", {"type": "NeedPosted"}),
        ("matching", "i2pcc_events_consumed_total", {"type": "ProposalSubmitted"}),
        ("matching", "i2pcc_embeddings_total", {"result": "made"}),
    ):
        assert (await told(operator, service))(name, **labels) > begin[service](name, **labels), name
    version = (await region.read("matching", f"/v1/matches/{match}")).json()["version"]
    await region.done("matching", f"/v1/matches/{match}/accept", {"version": version})

    async def is_told() -> bool:
        after = await told(operator, "matching")
        return all(
            after("i2pcc_events_published_total", type="MatchAccepted", topic=topic)
            > before("i2pcc_events_published_total", type="MatchAccepted", topic=topic)
            for topic in ("i2pcc.matches.v1", "i2pcc.matches.guangdong.v1")
        )

    assert await until(is_told, 60)
    after = await told(operator, "matching")
    assert after("i2pcc_matches_total", step="accepted") - before("i2pcc_matches_total", step="accepted") == 1


async def test_a_scrape_works_while_the_database_is_away(services: Platform, operator: Browser) -> None:
    assert (await told(operator, "regions"))("i2pcc_database_up") == 1
    services.kill("postgres")
    try:

        async def is_noticed() -> bool:
            return (await told(operator, "regions"))("i2pcc_database_up") == 0

        assert await until(is_noticed, 30)
        found = await told(operator, "regions")
        assert "i2pcc_outbox_rows" not in found.names
        assert {"process_cpu_seconds_total", "i2pcc_relay_owner", "i2pcc_consumer_lag"} <= found.names
    finally:
        await services.restart("postgres")

    async def is_back() -> bool:
        return (await told(operator, "regions"))("i2pcc_database_up") == 1

    assert await until(is_back, 30)
