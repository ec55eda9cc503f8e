"""People of companies and regions made for one test, and what they send; every value can be overridden."""

import secrets
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from deploy.people import Person
from shared.vocabulary import Region, Role, company_id

Body = dict[str, Any]


def enterprise_number() -> str:
    """A Belgian enterprise number that checks; hardly ever the same one twice."""
    head = 10_000_000 + secrets.randbelow(10_000_000)  # not `random`, which Hypothesis begins anew each time
    return f"{head:08}{97 - head % 97:02}"


def company_person(company: str | None = None) -> Person:
    """Someone of a company that nobody else acts for, or of the one with this enterprise number."""
    return Person(name=str(uuid4()), role=Role.COMPANY, company=company or enterprise_number())


def region_person(region: Region = Region.HEBEI) -> Person:
    """Someone who acts for a region."""
    return Person(name=str(uuid4()), role=Role.REGION, region=region)


def someone(role: Role, organisation: str | None = None) -> Person:
    """Someone of another role."""
    return Person(name=str(uuid4()), role=role, organisation=organisation)


def company_of(person: Person) -> str:
    """The id of the company that a person acts for."""
    assert person.company
    return str(company_id(person.company))


def company_body(person: Person, **changes: Any) -> Body:
    """A person's own company."""
    body = {
        "enterprise_number": person.company,
        "name": "Dijlezuiver NV",
        "province": "flemish_brabant",
        "languages": ["nl", "en"],
    }
    return body | changes


def contact_body(**changes: Any) -> Body:
    """Whom to reach."""
    body = {
        "organisation": "Dijlezuiver NV",
        "name": "Mieke Aerts",
        "mail": f"{uuid4().hex}@dijlezuiver.example",
        "phone": "+32 16 00 00 09",
        "language": "nl",
    }
    return body | changes


def consortium_body(*contributors: Person, **changes: Any) -> Body:
    """A puzzle of which each contributor is asked to bring a part."""
    parts = [{"title": f"Part {n}", "company_id": company_of(person)} for n, person in enumerate(contributors, 1)]
    return {"title": "Dry cleaning of filter dust", "parts": parts} | changes


def proposal_body(contact: UUID | str | None = None, **changes: Any) -> Body:
    """A proposal that answers nobody's need: a side keeps its ten best matches, and other tests count on theirs."""
    body = {
        "title": f"A brass band for weddings {uuid4().hex[:8]}",
        "body": "Twelve players, from Leuven.",
        "language": "en",
        "challenges": [3],
        "contact_id": str(contact or uuid4()),
    }
    return body | changes


def need_body(contact: UUID | str | None = None, **changes: Any) -> Body:
    """A need that nobody's proposal answers, for the same reason."""
    body = {
        "title": f"Lessons in watercolour painting {uuid4().hex[:8]}",
        "body": "For beginners, on Saturdays.",
        "language": "en",
        "challenges": [6],
        "deadline": (date.today() + timedelta(days=90)).isoformat(),
        "contact_id": str(contact or uuid4()),
    }
    return body | changes


def proposal_revision(proposal: Body, version: int, **changes: Any) -> Body:
    """A proposal's body as a revision of one version."""
    fixed = ("contact_id", "consortium_id", "kind", "without_open_parts")
    return {name: value for name, value in proposal.items() if name not in fixed} | {"version": version} | changes


def need_revision(need: Body, version: int, **changes: Any) -> Body:
    """A need's body as a revision of one version."""
    return need | {"version": version} | changes


def mission_body(**changes: Any) -> Body:
    """A mission that is under way, with a visit and a seminar."""
    today = date.today()
    starts, ends = today - timedelta(days=3), today + timedelta(days=3)
    body = {
        "direction": "outgoing",
        "title": "Water and waste in the Pearl River delta",
        "regions": ["guangdong"],
        "provinces": ["limburg"],
        "starts": starts.isoformat(),
        "ends": ends.isoformat(),
        "programme": [
            {"kind": "visit", "on": starts.isoformat(), "place": "Foshan", "title": "A depot"},
            {"kind": "seminar", "on": ends.isoformat(), "place": "Guangzhou", "title": "Strongholds"},
        ],
    }
    return body | changes


def mission_revision(mission: Body, version: int, **changes: Any) -> Body:
    """A mission's body, or what was answered to one, as a revision of one version."""
    plan = ("title", "starts", "ends", "programme")
    stop = ("stop_id", "kind", "on", "place", "title")
    stops = [{name: value for name, value in each.items() if name in stop} for each in mission["programme"]]
    return {name: mission[name] for name in plan} | {"programme": stops, "version": version} | changes


def lead_body(**changes: Any) -> Body:
    """A question that was asked on that mission."""
    body = {
        "region": "guangdong",
        "question": "Who can dry 20 t/d of nickel sludge? We have only steam of 0.4 MPa.",
        "language": "en",
        "challenges": [5],
    }
    return body | changes


def company_revision(company: Body, version: int, **changes: Any) -> Body:
    """A company's body as a revision of one version."""
    return (
        {name: value for name, value in company.items() if name != "enterprise_number"} | {"version": version} | changes
    )


def invitation_body(**changes: Any) -> Body:
    """Whom to invite."""
    return {"mail": f"{uuid4().hex}@invited.example", "language": "nl"} | changes
