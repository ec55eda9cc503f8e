"""One object of each kind, made through the API, and everybody to whom it matters or does not."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from deploy.people import Person
from deploy.waiting import until
from services.matching.rules import match_id
from shared.vocabulary import Region, Role
from tests.browser import Browser, region_with_contact, registered_company
from tests.factories import (
    company_body,
    company_of,
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
    someone,
)
from tests.routes import Route


@dataclass
class World:
    """Objects that were made through the API, who made them, and others of the same roles."""

    anyone: Browser
    ids: dict[str, str]
    spare: dict[str, str]
    """A second proposal and need of the same people, for what would end them."""
    contact: str
    people: dict[str, Browser]
    strangers: dict[str, Browser]
    contributor: Browser
    stranger_contact: str
    contacts: dict[tuple[str, str, bool], str]
    """By service, role, and whether it is there to be erased: whom someone of that role may reach in that way."""

    def browser(self, role: str, route: Route) -> Browser:
        """Whose the objects are, as far as this role has any: a part of a consortium is the contributor's."""
        answers_part = route.path.endswith(("{part_id}/confirm", "{part_id}/decline"))
        return self.contributor if role == Role.COMPANY and answers_part else self.people[role]

    def path(self, route: Route, role: str = "") -> str:
        """A route to the objects, as far as they are somebody's of this role."""
        return route.path.format(**self.ids_of(route, role))

    def ids_of(self, route: Route, role: str) -> dict[str, str]:
        """The objects' ids, as the route's service names them; each side has contacts of its own."""
        place = (route.service, role, route.path.endswith("/erase"))
        ends = route.path.endswith(("/withdraw", "/close"))
        ids = {name.removeprefix(f"{route.service} "): value for name, value in self.ids.items()}
        contact = {"contact_id": self.contacts[place]} if place in self.contacts else {}
        return ids | contact | (self.spare if ends else {})

    def body(self, route: Route, contact: str) -> Any:
        """What the route reads, of a version that has never been: only whose the object is can matter."""
        match route.path.split("/")[2:]:
            case ["companies", _] if route.fields:
                return company_revision(company_body(self.people[Role.COMPANY].person), 0)
            case ["consortia", _] if route.fields:
                return consortium_body(self.contributor.person) | {"version": 0}
            case ["consortia", _, "parts", _, "invitations"] if route.fields:
                return invitation_body()
            case ["proposal-drafts", _, *_] if route.fields:
                return {"version": 0}
            case ["proposals", _] if route.fields:
                return proposal_revision(proposal_body(), 0)
            case ["contacts", _] if route.fields:
                return contact_body(version=0)
            case ["needs", _] if route.fields:
                return need_revision(need_body(contact), 0)
            case ["needs", _, "close"]:
                return {"version": 0, "reason": "cancelled"}
            case ["need-drafts", _] if route.fields:
                return {"version": 0, "title": "Half a need"}
            case ["need-drafts", _, "post" | "discard"]:
                return {"version": 0}
            case ["missions", _] if route.fields:
                return mission_revision(mission_body(), 0)
            case ["missions", _, "stops", _, "match"]:
                return {"version": 0, "match_id": self.ids["match_id"]}
            case ["missions", _, "leads"]:
                return lead_body()
            case ["matches", _, "accept" | "shortlist" | "remind" | "interest"]:
                return {"version": 0}
            case ["matches", _, "veto"]:
                return {"version": 0, "objection": "other"}
            case ["matches", _, "outcome"]:
                return {"version": 0, "outcome": "contract"}
            case ["matches", _, "decline"]:
                return {"version": 0, "reason": "Not now."}
            case _:
                assert not route.fields, f"what does {route} read?"


async def made_by(operator: Browser) -> World:
    """A proposal, a consortium, a need, the match of the two with its first mail, and a suggestion for the need."""
    parts = [f"Infrared cameras for drones {uuid4().hex[:8]}", f"Slate roofs for greenhouses {uuid4().hex[:8]}"]
    company, contact = await registered_company(operator, province="limburg", **able(parts[0]))
    contributor, _ = await registered_company(operator, province="limburg", **able(parts[1]))
    region, region_contact = await region_with_contact(operator, Region.GUANGDONG)
    other_company, _ = await registered_company(operator, province="antwerp")
    other_region, other_contact = await region_with_contact(operator, Region.SHAANXI)
    coordinator = operator.of(someone(Role.COORDINATOR, "limburg"))
    contacts = await shared_contacts(company, region, coordinator)
    text = {"title": f"Lichens as meters of ozone {uuid4().hex[:8]}", "challenges": [2]}
    consortium = await company.done("intake", "/v1/consortia", consortium_body(contributor.person))
    proposal_draft = await company.done("intake", "/v1/proposal-drafts", {"title": "Lichens"})
    proposal = await company.done("intake", "/v1/proposals", proposal_body(contact, **text))
    need = await region.done("regions", "/v1/needs", need_body(region_contact, **text, parts=parts))
    spare_proposal = await company.done("intake", "/v1/proposals", proposal_body(contact))
    spare_need = await region.done("regions", "/v1/needs", need_body(region_contact))
    match = match_id(UUID(need["need_id"]), UUID(proposal["proposal_id"]))
    coordinator = operator.of(someone(Role.COORDINATOR, "limburg"))
    draft = await region.done("regions", "/v1/need-drafts", {"title": "Half a need"})
    mission = await coordinator.done("regions", "/v1/missions", mission_body())
    mission = await region.done("regions", f"/v1/missions/{mission['mission_id']}/leads", lead_body())

    async def is_mailed() -> bool:
        return bool((await operator.read("notify", f"/v1/matches/{match}/deliveries")).is_success)

    suggestions: list[str] = []

    async def is_suggested() -> bool:
        answer = await company.read("matching", f"/v1/needs/{need['need_id']}/suggestions")
        suggestions[:] = [each["suggestion_id"] for each in answer.json()] if answer.is_success else []
        return bool(suggestions)

    assert await until(is_mailed, 60)
    assert await until(is_suggested, 60)
    return World(
        anyone=operator,
        ids={
            "company_id": company_of(company.person),
            "consortium_id": consortium["consortium_id"],
            "part_id": consortium["parts"][0]["part_id"],
            "proposal_id": proposal["proposal_id"],
            "need_id": need["need_id"],
            "match_id": str(match),
            "suggestion_id": suggestions[0],
            "contact_id": await shared_contact(company, "intake"),
            "draft_id": draft["draft_id"],
            "mission_id": mission["mission_id"],
            "stop_id": mission["programme"][0]["stop_id"],
            "lead_id": mission["leads"][0]["lead_id"],
            "region": Region.GUANGDONG,
            "intake draft_id": proposal_draft["draft_id"],
        },
        spare={"proposal_id": spare_proposal["proposal_id"], "need_id": spare_need["need_id"]},
        contact=region_contact,
        people={
            Role.COMPANY: company,
            Role.REGION: region,
            Role.COORDINATOR: coordinator,
            Role.PARTNER: operator.of(Person(name="x", role=Role.PARTNER, region=Region.GUANGDONG)),
            Role.OPERATOR: operator,
        },
        strangers={
            Role.COMPANY: other_company,
            Role.REGION: other_region,
            Role.COORDINATOR: operator.of(someone(Role.COORDINATOR, "antwerp")),
            Role.PARTNER: operator.of(Person(name="x", role=Role.PARTNER, region=Region.SHAANXI)),
        },
        contributor=contributor,
        stranger_contact=other_contact,
        contacts=contacts,
    )


def able(stronghold: str) -> dict[str, Any]:
    """What a company says that can do this and may be suggested for it."""
    return {"suggestible": True, "strongholds": [{"title": stronghold, "challenges": [2]}]}


async def shared_contacts(company: Browser, region: Browser, coordinator: Browser) -> dict[tuple[str, str, bool], str]:
    """A person to reach for each side, and one that it may erase."""
    sides = {
        ("intake", Role.COMPANY): company,
        ("intake", Role.COORDINATOR): company,
        ("regions", Role.REGION): region,
        ("regions", Role.COORDINATOR): coordinator,
    }
    return {
        (service, role, erased): await shared_contact(browser, service)
        for (service, role), browser in sides.items()
        for erased in (False, True)
    }


async def shared_contact(browser: Browser, service: str) -> str:
    """The id of a contact that somebody has shared there."""
    return str((await browser.done(service, "/v1/contacts", contact_body()))["contact_id"])
