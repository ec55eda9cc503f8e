"""Consortia, what tests ask of what intake says, and the tokens that only the topic has."""

from typing import Any

from shared.events import Event, InvitationIssued
from shared.vocabulary import COORDINATED, Role
from tests.browser import Browser, registered_company
from tests.factories import Body, consortium_body, invitation_body, someone
from tests.topics import events_of


def told(events: list[Event]) -> list[tuple[str, int]]:
    """The kinds and versions of events, in order."""
    return [(type(event).__name__, event.version) for event in events]


async def puzzle(operator: Browser) -> tuple[list[Browser], dict[str, Any], str]:
    """A lead and two contributors, the consortium it has opened with them, and its contact."""
    lead, contact = await registered_company(operator, province="antwerp")
    contributors = [(await registered_company(operator, province=p))[0] for p in ("limburg", "east_flanders")]
    body = consortium_body(*(each.person for each in contributors))
    return [lead, *contributors], await lead.done("intake", "/v1/consortia", body), contact


async def looking(operator: Browser, *titles: str) -> tuple[Browser, dict[str, Any], str]:
    """A lead, the consortium it has opened whose parts nobody brings yet, and its contact."""
    lead, contact = await registered_company(operator, province="antwerp")
    body = consortium_body(parts=[{"title": title} for title in titles])
    return lead, await lead.done("intake", "/v1/consortia", body), contact


def path_of(consortium: dict[str, Any]) -> str:
    """Where a consortium is."""
    return f"/v1/consortia/{consortium['consortium_id']}"


def part_path(consortium: dict[str, Any], part: int, verb: str) -> str:
    """Where a part is answered."""
    return f"{path_of(consortium)}/parts/{consortium['parts'][part]['part_id']}/{verb}"


def invitations_path(consortium: dict[str, Any], part: dict[str, Any]) -> str:
    """Where somebody is invited to bring a part."""
    return f"{path_of(consortium)}/parts/{part['part_id']}/invitations"


def revision(consortium: dict[str, Any], *more: Body, **changes: Any) -> Body:
    """A consortium as it is, with these parts too, as its lead sends it."""
    kept = [
        {"part_id": part["part_id"], "title": part["title"], "company_id": part.get("company_id")}
        for part in [*consortium["parts"], *consortium["wanted"]]
    ]
    known = {name: consortium[name] for name in ("version", "title", "contact_id")}
    return known | {"parts": [*kept, *more]} | changes


async def invited(lead: Browser, consortium: dict[str, Any], part: dict[str, Any], **body: Any) -> tuple[Body, str]:
    """The invitation that a lead sends, and the token that notify puts into the mail."""
    invitation = await lead.done("intake", invitations_path(consortium, part), invitation_body(**body))
    return invitation, (await issued(lead, invitation)).token


async def issued(anyone: Browser, invitation: Body) -> InvitationIssued:
    """What notify is told of an invitation."""
    (event,) = await events_of(anyone.platform, InvitationIssued, invitation["invitation_id"])
    assert isinstance(event, InvitationIssued)
    return event


async def check_coordinators(operator: Browser, path: str) -> None:
    """What the three companies of a puzzle do together is read by the coordinators of their provinces."""
    for province in COORDINATED:
        answer = await operator.of(someone(Role.COORDINATOR, province)).read("intake", path)
        assert answer.is_success == (province != "flemish_brabant"), province
