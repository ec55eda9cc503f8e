"""Personal data stays where it belongs: with its owner, on the topic of contacts, and in the mail it is meant for."""

from pathlib import Path
from typing import Any
from uuid import uuid4

from deploy.embedded.platform import Platform
from deploy.waiting import until
from shared.events import ContactShared
from tests.browser import Browser, registered_company
from tests.factories import contact_body, need_body, proposal_body, region_person
from tests.topics import published, records_on


def marked() -> tuple[dict[str, Any], list[str]]:
    """A contact, and what of it nobody else may hold."""
    mark = uuid4().hex
    number = f"+32 {uuid4().int % 10**12:012}"
    body = contact_body(name=f"An {mark}", mail=f"{mark}@mail.example", phone=number)
    return body, [mark, number]


async def introduced(operator: Browser, contacts: list[dict[str, Any]]) -> dict[str, Browser]:
    """A need and a proposal of these contacts, from their posting to an introduction; who shared which contact."""
    company, _ = await registered_company(operator)
    region = operator.of(region_person())
    ids = [
        (await browser.done(service, "/v1/contacts", body))["contact_id"]
        for browser, service, body in zip((company, region), ("intake", "regions"), contacts, strict=True)
    ]
    title = f"Recovering helium {uuid4().hex[:8]}"
    await company.done("intake", "/v1/proposals", proposal_body(ids[0], title=title, challenges=[1]))
    need = await region.done("regions", "/v1/needs", need_body(ids[1], title=title, challenges=[1]))

    async def state() -> dict[str, Any]:
        matches = (await region.read("matching", "/v1/matches", need_id=need["need_id"])).json()
        return max(matches, key=lambda match: match["score"], default={})

    async def presented() -> bool:
        return (await state()).get("state") == "presented"

    assert await until(presented, 60)
    match = await state()
    await region.done("matching", f"/v1/matches/{match['match_id']}/accept", {"version": match["version"]})

    async def met() -> bool:
        return (await state()).get("state") == "introduced"

    assert await until(met, 60)
    return dict(zip(ids, (company, region), strict=True))


async def test_personal_data_is_on_the_topic_of_contacts_alone(operator: Browser) -> None:
    platform = operator.platform
    bodies, marks = zip(marked(), marked(), strict=True)
    ids = await introduced(operator, list(bodies))
    secrets = [mark.encode() for pair in marks for mark in pair]
    topics = [topic.name for topic in platform.manifest.topics]
    for topic in topics:
        await published(platform, topic)
    found: dict[str, set[bytes]] = {}
    for record in await records_on(platform, topics):
        parts = [record.key or b"", record.value or b"", *(value for _, value in record.headers)]
        if any(secret in part for secret in secrets for part in parts):
            found.setdefault(record.topic, set()).add(record.key)
    assert found == {ContactShared.topic: {contact_id.encode() for contact_id in ids}}
    assert not [log.name for log in logs(platform) if any(mark in log.read_bytes() for mark in secrets)]


def logs(platform: Platform) -> list[Path]:
    """What the platform's processes have written; there is one for each."""
    found = sorted(platform.processes.logs.glob("*.log"))
    assert {"intake.log", "notify.log"} <= {log.name for log in found}
    return found
