"""The sample's people, and what their tokens say of them."""

import difflib
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import yaml
from pydantic import BaseModel, TypeAdapter

from deploy.problems import Problem
from shared.vocabulary import Region, Role, company_id

FILE = Path(__file__).parent / "demo" / "sample" / "people.yaml"


class Person(BaseModel):
    """Someone who signs in; membership is what the token claims."""

    name: str
    role: Role
    company: str | None = None
    """Enterprise number."""
    region: Region | None = None
    organisation: str | None = None
    full_name: str = ""
    organisation_name: str = ""

    @property
    def subject(self) -> str:
        """The token's `sub`: always the same, and no personal data."""
        return str(uuid5(NAMESPACE_URL, f"https://i2pcc.local/people/{self.name}"))

    @property
    def claims(self) -> dict[str, str]:
        """What the token says besides: the role, and whom the person acts for."""
        acts_for = {
            "company_id": company_id(self.company) if self.company else None,
            "region": self.region,
            "organisation": self.organisation,
        }
        return {"role": str(self.role), **{name: str(value) for name, value in acts_for.items() if value}}


def load(file: Path = FILE) -> list[Person]:
    """Everyone in the sample."""
    return TypeAdapter(list[Person]).validate_python(yaml.safe_load(file.read_text(encoding="utf-8")))


def find(name: str, people: list[Person]) -> Person:
    """The person of that name, however it is capitalised."""
    by_name = {person.name.casefold(): person for person in people}
    if person := by_name.get(name.casefold()):
        return person
    near = difflib.get_close_matches(name.casefold(), by_name, n=1, cutoff=0.4)
    known = by_name[near[0]].name if near else ", ".join(person.name for person in people)
    raise Problem(f"Nobody in the sample is called {name}.", f"Known: {known}.", code=2)
