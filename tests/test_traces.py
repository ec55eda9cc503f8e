"""One search finds the whole story: what the real service processes send over OTLP."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from deploy.embedded.platform import Platform
from deploy.settings import SERVICES
from deploy.waiting import until
from services.matching.rules import match_id
from shared import telemetry
from shared.events import CompanyRegistered
from shared.vocabulary import Region
from tests.browser import Browser, check_problem
from tests.collector import Collector, Span
from tests.factories import (
    company_body,
    company_of,
    company_person,
    contact_body,
    need_body,
    proposal_body,
    region_person,
)
from tests.tables import superuser
from tests.topics import published, records_on

CHALLENGE = 8
TITLE = "Compressing green hydrogen without moving parts"


async def test_with_opentelemetry_switched_off_nothing_is_recorded_and_nothing_warns(
    operator: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform, company = operator.platform, operator.of(company_person())
    monkeypatch.setenv("PYTHONWARNINGS", "default")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    log = platform.processes.logs / "intake.log"
    await platform.restart("intake")
    before = len(log.read_bytes())
    await company.done("intake", "/v1/companies", company_body(company.person))
    await published(platform, CompanyRegistered.topic)
    monkeypatch.delenv("PYTHONWARNINGS")
    monkeypatch.delenv("OTEL_SDK_DISABLED")
    await platform.restart("intake")  # its end would send whatever was recorded
    assert log.read_bytes()[before:].decode() == ""
    key = company_of(company.person).encode()
    (record,) = [each for each in await records_on(platform, [CompanyRegistered.topic]) if each.key == key]
    assert "traceparent" not in dict(record.headers)


def test_a_step_that_fails_tells_the_kind_of_error_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its message may quote a person."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "_tracer", provider.get_tracer("tests"))
    with pytest.raises(ValueError, match="An Peeters"), telemetry.step("mail", None):
        raise ValueError("An Peeters")
    (span,) = exporter.get_finished_spans()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "ValueError")
    assert "An Peeters" not in span.to_json()


@dataclass
class Story:
    """What happened between a need and an introduction, and what the services said of it to the collector."""

    collector: Collector
    need_id: str
    proposal_id: str
    personal: list[str]
    """Names, addresses, phone numbers, the titles that mails have as subjects, and an unsubscriber's token."""

    @property
    def match_id(self) -> UUID:
        """The match of the two."""
        return match_id(UUID(self.need_id), UUID(self.proposal_id))

    def one(self, name: str, **ids: object) -> Span:
        """The only span of that name with these ids."""
        (span,) = self.collector.named(name, **ids)
        return span

    def line(self, span: Span) -> list[tuple[str, str]]:
        """Who did what, from the root to this span."""
        return [(each.service, each.name) for each in reversed(self.collector.ancestry(span))]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def story(operator: Browser) -> AsyncIterator[Story]:
    """The main job, with all services sending their spans to a collector of ours too."""
    collector, platform = Collector(), operator.platform
    with collector.listen() as endpoint, pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        await _restart(platform)
        told = await _play(operator, collector)
        environment.undo()
        await _restart(platform)  # their end sends the last spans
        yield told


async def _restart(platform: Platform) -> None:
    await asyncio.gather(*(platform.restart(name) for name in SERVICES))


async def _play(operator: Browser, collector: Collector) -> Story:
    region, company = operator.of(region_person(Region.GUANGDONG)), operator.of(company_person())
    asks = contact_body(name="林晓彤", organisation="广东能源局", phone="+86 20 0000 77", language="zh")
    offers = contact_body(name="Wout Van Acker", organisation="Waterstofpers BV", phone="+32 9 000 00 77")
    await company.done("intake", "/v1/companies", company_body(company.person, name=offers["organisation"]))
    check_problem(await company.send("intake", "/v1/contacts", offers | {"mail": f"{offers['name']} at home"}), 422)
    contacts = [
        (await who.done(service, "/v1/contacts", body))["contact_id"]
        for who, service, body in ((region, "regions", asks), (company, "intake", offers))
    ]
    fields = {"title": f"{TITLE} {uuid4().hex[:8]}", "challenges": [CHALLENGE]}
    need = await region.done("regions", "/v1/needs", need_body(contacts[0], **fields))
    await _matched(operator.platform, need["need_id"])
    proposal = await company.done("intake", "/v1/proposals", proposal_body(contacts[1], **fields))

    personal = [str(body[name]) for body in (asks, offers) for name in ("name", "organisation", "mail", "phone")]
    token = str(uuid4())
    await operator.http.post(f"{operator.platform.urls['notify']}/unsubscribe", params={"token": token})
    told = Story(collector, need["need_id"], proposal["proposal_id"], [*personal, TITLE, token])
    match = await _state(region, told.match_id, "presented")
    await _mailed(operator, told.match_id, 2)
    await region.done("matching", f"/v1/matches/{told.match_id}/accept", {"version": match["version"]})
    await _state(region, told.match_id, "introduced")
    await published(operator.platform, "i2pcc.matches.v1")
    return told


async def _matched(platform: Platform, need_id: str) -> None:
    """Wait until a need has met all there is, so that what comes later finds it."""
    query = (
        "select exists (select from matching.need n where need_id = $1 and embedded_version = version "
        "and not exists (select from matching.to_match where id = n.need_id))"
    )
    async with superuser(platform) as connection:

        async def matched() -> bool:
            return bool(await connection.fetchval(query, UUID(need_id)))

        assert await until(matched, 60)


async def _state(region: Browser, match: UUID, state: str) -> Any:
    """The match, once it is in that state."""
    found: dict[str, Any] = {}

    async def reached() -> bool:
        found.update((await region.read("matching", f"/v1/matches/{match}")).json())
        return found.get("state") == state

    assert await until(reached, 60), found
    return found


async def _mailed(operator: Browser, match: UUID, mails: int) -> None:
    async def sent() -> bool:
        answer = await operator.read("notify", f"/v1/matches/{match}/deliveries")
        return bool(answer.is_success and [each["state"] for each in answer.json()].count("sent") == mails)

    assert await until(sent, 60)


async def test_one_trace_runs_from_the_proposal_to_the_regions_mail(story: Story) -> None:
    assert story.line(story.one("mail presented", match_id=story.match_id)) == [
        ("intake", "POST /v1/proposals"),
        ("intake", "send i2pcc.proposals.v1"),
        ("matching", "match proposal"),
        ("matching", "match pair"),
        ("matching", "send i2pcc.matches.v1"),
        ("notify", "process i2pcc.matches.v1"),
        ("notify", "mail presented"),
    ]


async def test_every_reader_of_a_proposal_works_in_its_trace(story: Story) -> None:
    (published,) = story.collector.named("send i2pcc.proposals.v1", proposal_id=story.proposal_id)
    readers = story.collector.named("process i2pcc.proposals.v1", proposal_id=story.proposal_id)
    assert sorted((span.service, span.parent) for span in readers) == [
        ("matching", published.id),
        ("notify", published.id),
    ]


async def test_an_answers_trace_runs_to_both_introductions_and_links_to_the_proposals(story: Story) -> None:
    sent = story.collector.named("mail introduction", match_id=story.match_id)
    mails = [mail for mail in sent if "i2pcc.contact_id" not in mail.attributes]  # but for the coordinators' copies
    assert len(mails) == 2
    for mail in mails:
        assert story.line(mail) == [
            ("matching", "POST /v1/matches/{match_id}/accept"),
            ("matching", "send i2pcc.matches.v1"),
            ("notify", "process i2pcc.matches.v1"),
            ("notify", "mail introduction"),
        ]
    answer = story.collector.ancestry(mails[0])[-1]
    proposal = story.one("POST /v1/proposals", proposal_id=story.proposal_id)
    assert answer.links == (proposal.trace,)
    assert answer.trace != proposal.trace


async def test_that_both_know_each_other_is_noted_in_the_answers_trace(story: Story) -> None:
    noted = story.one("process i2pcc.introductions.v1", match_id=story.match_id)
    assert story.line(noted)[0] == ("matching", "POST /v1/matches/{match_id}/accept")
    assert noted.service == "matching"


async def test_a_search_for_any_of_the_ids_finds_every_step_that_knows_it(story: Story) -> None:
    ids = {"need_id": story.need_id, "proposal_id": story.proposal_id, "match_id": str(story.match_id)}
    knows = {
        "POST /v1/proposals": {"proposal_id"},
        "send i2pcc.proposals.v1": {"proposal_id"},
        "process i2pcc.proposals.v1": {"proposal_id"},
        "match proposal": {"proposal_id"},
        "match pair": set(ids),
        "send i2pcc.matches.v1": {"match_id"},
        "process i2pcc.matches.v1": set(ids),
        "mail presented": set(ids),
        "POST /v1/matches/{match_id}/accept": set(ids),
        "mail introduction": set(ids),
        "send i2pcc.introductions.v1": {"match_id"},
        "process i2pcc.introductions.v1": set(ids),
    }
    for name, known in knows.items():
        assert story.collector.named(name, **{each: ids[each] for each in known}), name
    proposal = story.one("POST /v1/proposals", proposal_id=story.proposal_id)
    assert story.one("match pair", match_id=story.match_id).links == (proposal.trace,)


async def test_no_span_holds_anything_personal(story: Story) -> None:
    assert len(story.collector.spans) > 50
    for text in story.collector.texts:
        assert not [word for word in story.personal if word in text]
