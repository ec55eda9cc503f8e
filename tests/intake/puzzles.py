"""A consortium of three companies, and what tests ask of what intake says."""

from typing import Any

from shared.events import Event
from shared.vocabulary import COORDINATED, Role
from tests.browser import Browser, registered_company
from tests.factories import (
    consortium_body,
    someone,
)


def told(events: list[Event]) -> list[tuple[str, int]]:
    """The kinds and versions of events, in order."""
    return [(type(event).__name__, event.version) for event in events]


async def puzzle(operator: Browser) -> tuple[list[Browser], dict[str, Any], str]:
    """A lead and two contributors, the consortium it has opened with them, and its contact."""
    lead, contact = await registered_company(operator, province="antwerp")
    contributors = [(await registered_company(operator, province=p))[0] for p in ("limburg", "east_flanders")]
    body = consortium_body(*(each.person for each in contributors))
    return [lead, *contributors], await lead.done("intake", "/v1/consortia", body), contact


def part_path(consortium: dict[str, Any], part: int, verb: str) -> str:
    """Where a part is answered."""
    return f"/v1/consortia/{consortium['consortium_id']}/parts/{consortium['parts'][part]['part_id']}/{verb}"


async def check_coordinators(operator: Browser, path: str) -> None:
    """What the three companies of a puzzle do together is read by the coordinators of their provinces."""
    for province in COORDINATED:
        answer = await operator.of(someone(Role.COORDINATOR, province)).read("intake", path)
        assert answer.is_success == (province != "flemish_brabant"), province
