"""One journey for each kind of person, through a story that is played once: real processes, Kafka, PostgreSQL, mail."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest_asyncio
from aiokafka import AIOKafkaConsumer

from deploy.demo.client import Client
from deploy.demo.sample import load
from deploy.demo.story import Storyteller
from deploy.embedded.platform import Platform
from deploy.waiting import until
from shared.bus import decode
from shared.events import Direction, Event, MatchFacts, ProposalSubmitted
from shared.kafka import client
from shared.vocabulary import Role
from tests.factories import proposal_body
from tests.topics import events_of

Match = dict[str, Any]


@dataclass
class Told:
    """The sample's story, told to its end, and the match that it is about."""

    story: Storyteller
    platform: Platform
    match: Match

    def as_(self, role: Role) -> Client:
        """The person of this role to whom the story happens."""
        return self.story.as_(self.handle(role))

    def handle(self, role: Role) -> str:
        """The handle of the match's company or region person, or of the coordinator who chooses."""
        told = self.story.sample.story
        match role:
            case Role.COMPANY:
                return next(each.by for each in self.story.sample.proposals if each.key == told.accept.proposal)
            case Role.REGION:
                return next(each.by for each in self.story.sample.needs if each.key == told.accept.need)
            case _:
                return told.shortlist.by

    async def mails(self, role: Role) -> list[dict[str, Any]]:
        """What this person got by mail, the newest first."""
        return await self.story.mails(self.story.sample.person(self.handle(role)).mail)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def told(services: Platform) -> AsyncIterator[Told]:
    """Play the story as the demo does, waiting for what it waits for."""
    async with httpx.AsyncClient(timeout=30) as http:
        story = Storyteller(load(), services, http)
        await story.arrive()
        await story.look_first()
        await story.travel(Direction.OUTGOING)
        await story.post_needs()
        await story.submit_proposals()
        expected = {story.pair(pair.need, pair.proposal) for pair in story.sample.story.expected}
        assert await until(lambda: _all_found(story, expected), 60)
        await _decide(story)
        yield Told(story, services, await _meet(story))


async def _decide(story: Storyteller) -> None:
    told = story.sample.story
    by = {need.key: need.by for need in story.sample.needs}
    await story.shortlist(await _in_state(story, told.shortlist, "found"))
    accepted = await _in_state(story, told.accept, "presented")
    await story.look_closer(accepted, by[told.accept.need])
    await story.answer(accepted, by[told.accept.need])
    declined = await _in_state(story, told.decline, "presented")
    await story.answer(declined, by[told.decline.need], reason=told.decline.reason)


async def _meet(story: Storyteller) -> Match:
    match = await _in_state(story, story.sample.story.accept, "introduced")
    await story.travel(Direction.INCOMING)
    await story.link_visit(match)
    for report in story.sample.story.outcomes:
        await story.report(match, report)
        match = await _in_state(story, story.sample.story.accept, "reported")
    return match


async def _found(story: Storyteller) -> dict[tuple[str, str], Match]:
    """The story's own matches: other tests' proposals may answer its needs too."""
    mine = {proposal["proposal_id"] for proposal in story.proposals.values()}
    pages = [
        await story.operator().read("matching", "/matches", need_id=need["need_id"], limit=100)
        for need in story.needs.values()
    ]
    matches = (match for page in pages for match in page)
    return {(match["need_id"], match["proposal_id"]): match for match in matches if match["proposal_id"] in mine}


async def _all_found(story: Storyteller, expected: set[tuple[str, str]]) -> bool:
    return expected <= (await _found(story)).keys()


async def _in_state(story: Storyteller, pair: Any, state: str) -> Match:
    """The match of a pair of the sample, once it has come so far."""
    found: Match = {}

    async def reached() -> bool:
        found.update((await _found(story)).get(story.pair(pair.need, pair.proposal), {}))
        return found.get("state") == state

    assert await until(reached, 60), found
    return found


def _texts(*answers: Any) -> str:
    return "\n".join(map(str, answers))


async def test_a_company_comes_from_its_first_form_to_an_outcome(told: Told) -> None:
    company, match = told.as_(Role.COMPANY), told.match
    (own,) = await company.read("intake", "/companies")
    assert own["business_cases"][0]["result"]
    history = await company.read("intake", f"/proposals/{match['proposal_id']}/history")
    assert [version["type"] for version in history] == ["ProposalSubmitted"]
    assert len(history[0]["facts"]["members"]) == 3
    need = await company.read("matching", f"/matches/{match['match_id']}/need")
    assert need["organisation"], "after a positive answer it is told whose need it is"
    assert (await company.read("matching", f"/matches/{match['match_id']}"))["reasons"]
    region = told.story.sample.person(told.handle(Role.REGION))

    async def introduced_and_invited() -> bool:
        mails = await told.mails(Role.COMPANY)
        introduced = any(region.mail in mail["text"] for mail in mails)
        return introduced and any(name.endswith(".ics") for mail in mails for name in mail["attachments"])

    assert await until(introduced_and_invited, 30)


async def test_a_lead_is_shown_who_could_bring_an_open_part(told: Told) -> None:
    ((part, company),) = told.story.suggested
    assert part.startswith("Biogas steam boiler")
    assert company == "Kempische Warmtelus BV", "it says so among its strongholds, and agreed to be suggested"


async def test_companies_that_could_cover_a_need_together_are_told_of_each_other(told: Told) -> None:
    """No proposal answers this need; two companies said among their strongholds that they could do parts of it."""
    need, lead = told.story.needs["shaanxi-electric-heat"], told.story.as_("wim.dejonghe")
    found: list[Any] = []

    async def suggested() -> bool:
        found[:] = await lead.read("matching", f"/needs/{need['need_id']}/suggestions", absent=[])
        mails = await told.story.mails(told.story.sample.person("griet.claesen").mail)
        return bool(found) and any(f"need={need['need_id']}" in mail["text"] for mail in mails)

    assert await until(suggested, 30)
    assert {each["name"] for each in found[0]["members"]} == {"Mandel Turbines BV", "Kempische Warmtelus BV"}
    assert found[0]["gaps"] == [1]


async def test_a_company_hears_nothing_that_is_not_for_it(told: Told) -> None:
    others = [each for each in told.story.sample.proposals if each.by != told.handle(Role.COMPANY)]
    text = _texts(*(mail["text"] for mail in await told.mails(Role.COMPANY)))
    assert text
    assert not [each.key for each in others if each.title in text]


async def test_a_company_without_a_match_is_told_what_came_closest(told: Told) -> None:
    alone = told.story.sample.proposals[-2]
    assert alone.key not in {pair.proposal for pair in told.story.sample.story.expected}
    company, proposal = told.story.as_(alone.by), told.story.proposals[alone.key]["proposal_id"]
    near = await company.read("matching", f"/proposals/{proposal}/nearest")
    assert all(miss["failed"] for miss in near["nearest"])
    mail = told.story.sample.person(alone.by).mail

    async def mailed() -> bool:
        return any(alone.title in sent["text"] for sent in await told.story.mails(mail))

    assert await until(mailed, 30)


async def test_a_region_comes_from_a_question_to_an_outcome(told: Told) -> None:
    region, match = told.as_(Role.REGION), told.match
    history = await region.read("regions", f"/needs/{match['need_id']}/history")
    origin = history[0]["facts"]["origin"]
    mission = await region.read("regions", f"/missions/{origin['mission_id']}")
    assert match["need_id"] in [lead["need_id"] for lead in mission["leads"]]
    lived = [version["type"] for version in await region.read("matching", f"/matches/{match['match_id']}/history")]
    met = ["MatchAccepted", "MatchIntroduced", "OutcomeReported", "OutcomeReported"]
    assert lived == ["MatchPresented", *met], "what came before it was presented is not the region's"
    assert match["outcome"] == "pilot"


async def test_a_region_learns_who_proposes_by_the_introduction_alone(told: Told) -> None:
    region, match = told.as_(Role.REGION), told.match
    shown = await region.read("matching", f"/matches/{match['match_id']}/proposal")
    answers = _texts(shown, match, await region.read("matching", "/matches", limit=100))
    company = told.story.sample.person(told.handle(Role.COMPANY))
    assert shown["details"]
    assert not [name for name in (company.mail, company.full_name, company.organisation_name) if name in answers]

    async def introduced() -> bool:
        return any(company.mail in mail["text"] for mail in await told.mails(Role.REGION))

    assert await until(introduced, 30)


async def test_a_coordinator_decides_by_exception_and_sees_the_rest(told: Told) -> None:
    coordinator, chosen = told.as_(Role.COORDINATOR), told.story.sample.story.shortlist
    match = await _in_state(told.story, chosen, "presented")
    history = await coordinator.read("matching", f"/matches/{match['match_id']}/history")
    steps = [(version["type"], version["by"]) for version in history]
    assert steps[:2] == [("MatchFound", "platform"), ("MatchShortlisted", "coordinator of limburg")]
    assert steps[2][0] == "MatchPresented"
    counted = await coordinator.read("regions", "/overview")
    assert counted
    company = told.story.sample.person(told.handle(Role.COMPANY))

    async def has_a_copy() -> bool:
        """Of the introduction: a member of the consortium is of this province."""
        return any(company.mail in mail["text"] for mail in await told.mails(Role.COORDINATOR))

    assert await until(has_a_copy, 30)


async def test_a_partner_system_follows_its_regions_matches_and_reads_nobodys_name(told: Told) -> None:
    heard = await _heard_by_partner(told)
    mine = [event for event in heard if event.key_text() == told.match["match_id"]]
    kinds = [type(event).__name__ for event in mine]
    assert kinds == ["MatchPresented", "MatchAccepted", "MatchIntroduced", "OutcomeReported", "OutcomeReported"]
    assert {event.region for event in heard if isinstance(event, MatchFacts)} == {"hebei"}
    texts = _texts(*(event.model_dump_json() for event in heard))
    people = told.story.sample.people
    assert not [person.name for person in people if person.mail in texts or person.full_name in texts]
    assert not [company.name for company in told.story.sample.companies if company.name in texts]


async def _heard_by_partner(told: Told) -> list[Event]:
    """All that the partner system of the match's region has read, up to the match's newest version."""
    topic = f"i2pcc.matches.{told.match['region']}.v1"
    kafka = told.platform.kafka(f"partner-{told.match['region']}")
    heard: list[Event] = []
    options = client(kafka) | {"group_id": f"{kafka.user}-journey", "auto_offset_reset": "earliest"}
    async with AIOKafkaConsumer(topic, **options, enable_auto_commit=False) as consumer:

        async def caught_up() -> bool:
            for records in (await consumer.getmany(timeout_ms=100)).values():
                heard.extend(map(decode, records))
            return any((e.key_text(), e.version) == (told.match["match_id"], told.match["version"]) for e in heard)

        assert await until(caught_up, 30)
    return heard


async def test_a_web_frontend_publishes_once_however_often_it_must_try(told: Told) -> None:
    company = told.as_(Role.COMPANY)
    contact = (await company.read("intake", "/contacts"))[0]["contact_id"]
    draft = await company.command("intake", "/proposal-drafts", {"title": "Mussels that clean harbour water"})
    filled = proposal_body(contact) | {"version": draft["version"]}
    draft = await company.put("intake", f"/proposal-drafts/{draft['draft_id']}", filled)
    path, seen = f"/proposal-drafts/{draft['draft_id']}/submit", {"version": draft["version"]}
    first = await company.command("intake", path, seen, key="from-the-form")
    assert await company.command("intake", path, seen, key="from-the-form") == first
    events = await events_of(told.platform, ProposalSubmitted, first["proposal_id"])
    assert [type(event) for event in events] == [ProposalSubmitted]
    assert first["proposal_id"] == draft["draft_id"]


async def test_an_operator_follows_a_proposal_to_its_introduction(told: Told) -> None:
    operator, match = told.story.operator(), told.match

    async def sent() -> bool:
        deliveries = await operator.read("notify", f"/matches/{match['match_id']}/deliveries")
        kinds = {mail["template"] for mail in deliveries if mail["state"] == "sent"}
        return {"presented", "introduction", "meeting"} <= kinds

    assert await until(sent, 30)
    history = await operator.read("matching", f"/matches/{match['match_id']}/history")
    assert [version["version"] for version in history] == list(range(1, match["version"] + 1))
