"""What a story is made of: people, companies, needs, proposals, and what each of their fields may hold."""

import re
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from deploy.people import Person as SignedIn
from shared.events import (
    Budget,
    BusinessCase,
    Capacity,
    Direction,
    Maturity,
    Outcome,
    Price,
    ProposalKind,
    StopKind,
    Stronghold,
    Teaser,
)
from shared.vocabulary import (
    Challenge,
    IntellectualProperty,
    Language,
    Partnership,
    Province,
    Region,
    Role,
    Short,
    Text,
    Title,
    Trl,
)

LATIN = (Language.DUTCH, Language.ENGLISH)
TITLE_LENGTHS = {Language.CHINESE: (15, 50), **dict.fromkeys(LATIN, (40, 120))}
BODY_LENGTHS = {Language.CHINESE: (600, 900), **dict.fromkeys(LATIN, (600, 1_500))}


class Organisation(StrEnum):
    """Who coordinates: the four provinces and the two that look over all of them."""

    ANTWERP = "antwerp"
    LIMBURG = "limburg"
    EAST_FLANDERS = "east_flanders"
    FLEMISH_BRABANT = "flemish_brabant"
    CLEANTECH_FLANDERS = "cleantech_flanders"
    FIT = "fit"


def _check_enterprise_number(number: str) -> str:
    digits = number.replace(".", "")
    check = 97 - int(digits[:8]) % 97
    if int(digits[8:]) != check:
        raise ValueError(f"the check digits are wrong: a number beginning {number[:-2]} ends in {check:02d}")
    return number


def _pattern(regex: str, form: str) -> BeforeValidator:
    """A shape, told to the writer by example; before pydantic, since YAML may have made a date or a number of it."""

    def check(value: Any) -> Any:
        if not isinstance(value, str) or not re.fullmatch(regex, value, re.ASCII):
            raise ValueError(f"{value!s} has the wrong form; allowed: {form}")
        return value

    return BeforeValidator(check)


EnterpriseNumber = Annotated[
    str, _pattern(r"0\d{3}\.\d{3}\.\d{3}", '"0xxx.xxx.xxx", in quotes'), AfterValidator(_check_enterprise_number)
]
Handle = Annotated[str, _pattern(r"[a-z][a-z0-9.-]{0,39}", "a-z, 0-9, dot and hyphen, such as an.peeters")]
Key = Annotated[str, _pattern(r"[a-z][a-z0-9-]{0,39}", "a-z, 0-9 and hyphen, such as coking-soil")]
Mail = Annotated[
    str, _pattern(r"[\w.+-]+@[\w-]+(\.[\w-]+)*\.example", "an address under .example, so that no one gets mail")
]
Phone = Annotated[str, _pattern(r"\+\d[\d ]{5,24}", '"+32 3 000 00 01", in quotes')]
Deadline = Annotated[str, _pattern(r"\+[1-9]\d{0,3}d", '"+1d" to "+9999d", days from the start of the demo')]
Day = Annotated[
    str, _pattern(r"\+\d{1,4}d|\d{4}-\d\d-\d\d", '"+30d", days from the start of the demo, or "2019-02-25"')
]
PartTitle = Annotated[Text, StringConstraints(max_length=120)]


def _known_challenge(number: Any) -> Any:
    """Said in our words: pydantic would list an enum's members without their range."""
    if type(number) is not int or number not in set(Challenge):
        raise ValueError(f"{number!r} is not a challenge; allowed: 1 to {len(Challenge)}")
    return Challenge(number)


def _no_repeats(challenges: tuple[Challenge, ...]) -> tuple[Challenge, ...]:
    if len(set(challenges)) < len(challenges):
        raise ValueError("names a challenge twice; allowed: each once")
    return challenges


def calendar_day(text: str, start: date) -> date:
    """The calendar day that is meant: a story with fixed dates would be over one day."""
    return start + timedelta(days=int(text[1:-1])) if text.startswith("+") else date.fromisoformat(text)


SPEAKS_FOR = {
    Role.COMPANY: "company",
    Role.REGION: "region",
    Role.COORDINATOR: "organisation",
    Role.PARTNER: "region",
    Role.OPERATOR: None,
}
"""The field that says whom a person of a role speaks for."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Person(SignedIn, _Entry):
    """Someone who signs in during the demo, and how to be reached."""

    name: Handle
    role: Role
    company: EnterpriseNumber | None = None
    region: Region | None = None
    organisation: Organisation | None = None
    full_name: Title
    mail: Mail
    phone: Phone
    language: Language
    organisation_name: Title

    @model_validator(mode="after")
    def _belongs(self) -> "Person":
        """What a person speaks for follows from the role, as in a token's claims."""
        for field in ("company", "region", "organisation"):
            wanted = SPEAKS_FOR[self.role] == field
            if wanted and getattr(self, field) is None:
                raise ValueError(f"field {field} is missing; a person of role {self.role} has it")
            if not wanted and getattr(self, field) is not None:
                raise ValueError(f"field {field} is not allowed for a person of role {self.role}")
        return self


class Company(_Entry):
    """A Flemish company and the person who acts for it."""

    enterprise_number: EnterpriseNumber
    name: Title
    province: Province
    languages: Annotated[tuple[Language, ...], Field(min_length=1)]
    by: Handle
    strongholds: tuple[Stronghold, ...] = ()
    business_cases: tuple[BusinessCase, ...] = ()
    suggestible: bool = False


class _Offer(_Entry):
    """What needs and proposals share. The language stands first: the lengths depend on it."""

    key: Key
    by: Handle
    language: Language
    title: Text
    body: Text
    challenges: Annotated[tuple[Challenge, ...], Field(min_length=1), AfterValidator(_no_repeats)]

    @field_validator("challenges", mode="before")
    @classmethod
    def _challenges_exist(cls, value: Any) -> Any:
        return tuple(map(_known_challenge, value)) if isinstance(value, list) else value

    @field_validator("title", "body")
    @classmethod
    def _fits(cls, text: str, info: ValidationInfo) -> str:
        lengths = TITLE_LENGTHS if info.field_name == "title" else BODY_LENGTHS
        language = info.data.get("language")
        if language is None:
            return text
        least, most = lengths[language]
        if not least <= len(text) <= most:
            raise ValueError(f"has {len(text)} characters; allowed in language {language}: {least} to {most}")
        return text


class Need(_Offer):
    """What a region looks for."""

    language: Literal[Language.CHINESE, Language.ENGLISH]
    deadline: Deadline | None = None
    organisation: Short | None = None
    parts: tuple[Title, ...] = ()
    site: Short | None = None
    industry: Short | None = None
    capacity: Capacity | None = None
    budget: Budget | None = None
    minimum_trl: Trl | None = None
    evidence: tuple[Short, ...] = ()
    partnerships: tuple[Partnership, ...] = ()

    def deadline_on(self, start: date) -> date | None:
        """The calendar day of the deadline."""
        return calendar_day(self.deadline, start) if self.deadline else None


class Part(_Entry):
    """One contributor's part of a consortium."""

    title: PartTitle
    by: Handle
    invited: bool = False
    """By mail, with a link for one use; otherwise it is asked as a company of the network."""


class Consortium(_Entry):
    """A puzzle whose lead is the proposal's own person."""

    title: Title
    parts: Annotated[tuple[Part, ...], Field(min_length=1)]


class Proposal(_Offer):
    """What a company offers, alone or as the lead of a consortium."""

    language: Literal[Language.DUTCH, Language.ENGLISH]
    consortium: Consortium | None = None
    kind: ProposalKind = ProposalKind.PROPOSAL
    teaser: Teaser = Teaser.TITLE
    summary: Short | None = None
    maturity: Maturity | None = None
    intellectual_property: IntellectualProperty | None = None
    partnerships: tuple[Partnership, ...] = ()
    scale: Short | None = None
    price: Price | None = None
    working_languages: tuple[Language, ...] = ()
    regions: tuple[Region, ...] = ()


class Pair(_Entry):
    """A need and a proposal that answers it."""

    need: Key
    proposal: Key


class Refusal(Pair):
    """A match the region declines, and why."""

    reason: Short


class Choice(Pair):
    """A match that a coordinator, who sees each match of the province first, shortlists."""

    by: Handle


class Report(_Entry):
    """What came of the accepted match, as told by one of its people."""

    by: Handle
    outcome: Outcome
    meeting_on: Day | None = None
    place: Short | None = None

    @model_validator(mode="after")
    def _a_meeting_has_a_day(self) -> "Report":
        if (self.outcome is Outcome.MEETING) != (self.meeting_on is not None):
            raise ValueError("field meeting_on: is there for a meeting, and for nothing else")
        return self


class Story(_Entry):
    """What happens after matching, and what a human would have matched."""

    shortlist: Choice
    accept: Pair
    decline: Refusal
    outcomes: Annotated[tuple[Report, ...], Field(min_length=1)]
    expected: Annotated[tuple[Pair, ...], Field(min_length=1)]


class Stop(_Entry):
    """One item of a mission's programme."""

    key: Key
    kind: StopKind
    day: Day
    place: Title
    title: Title
    accepted: bool = False
    """Whether this visit is about the match that the story accepts."""


class Lead(_Entry):
    """A question that was asked at a stop, and the need that comes of it."""

    at: Key
    region: Region
    language: Language
    question: Text
    challenges: Annotated[tuple[Challenge, ...], Field(min_length=1), AfterValidator(_no_repeats)]
    need: Key


class Mission(_Entry):
    """A journey of Flemish people to Chinese regions, or the other way round."""

    key: Key
    by: Handle
    direction: Direction
    title: Title
    regions: Annotated[tuple[Region, ...], Field(min_length=1)]
    provinces: Annotated[tuple[Province, ...], Field(min_length=1)]
    starts: Day
    ends: Day
    programme: Annotated[tuple[Stop, ...], Field(min_length=1)]
    leads: tuple[Lead, ...] = ()


class Sample(_Entry):
    """A whole story."""

    people: tuple[Person, ...]
    companies: tuple[Company, ...]
    needs: tuple[Need, ...]
    proposals: tuple[Proposal, ...]
    missions: tuple[Mission, ...]
    story: Story

    def person(self, handle: str) -> Person:
        """Who acts under this handle."""
        return next(person for person in self.people if person.name == handle)

    def company_of(self, handle: str) -> Company:
        """The company this person acts for."""
        return next(company for company in self.companies if company.by == handle)
