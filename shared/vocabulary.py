"""The words all services share: challenges, regions, provinces, languages, and how a company is identified."""

import re
from enum import IntEnum, StrEnum
from typing import Annotated
from uuid import UUID, uuid5

from pydantic import AfterValidator, Field, StringConstraints


class Challenge(IntEnum):
    """The 11 challenges a proposal or a need comes under; the numbers are I2PCC's own."""

    ZERO_EMISSION_PRODUCTION = 1
    INDUSTRIAL_AIR_EMISSIONS = 2
    INDOOR_AIR = 3
    INDUSTRIAL_WATER = 4
    SLUDGES = 5
    SOIL_REMEDIATION = 6
    WASTE = 7
    HYDROGEN = 8
    ENERGY_EFFICIENCY = 9
    SMART_GRID_AND_STORAGE = 10
    SECOND_LIFE_BATTERIES = 11

    @property
    def title(self) -> str:
        """The challenge in words."""
        return _TITLES[self]


_TITLES = {
    Challenge.ZERO_EMISSION_PRODUCTION: "process technology for zero-emission production",
    Challenge.INDUSTRIAL_AIR_EMISSIONS: "reduction or treatment of air emissions in industry",
    Challenge.INDOOR_AIR: "air treatment in buildings",
    Challenge.INDUSTRIAL_WATER: "reduced water use and treatment of industrial water",
    Challenge.SLUDGES: "reduction or treatment of sludges",
    Challenge.SOIL_REMEDIATION: "soil remediation",
    Challenge.WASTE: "waste, from prevention, reuse and sorting to recycling and processing",
    Challenge.HYDROGEN: "hydrogen, from green production to its uses",
    Challenge.ENERGY_EFFICIENCY: "energy efficiency in all its aspects",
    Challenge.SMART_GRID_AND_STORAGE: "smart grid and energy storage",
    Challenge.SECOND_LIFE_BATTERIES: "second life and recycling of lithium car batteries",
}


class Region(StrEnum):
    """The Chinese regions with ties to Flemish provinces."""

    SHAANXI = "shaanxi"
    CHONGQING = "chongqing"
    GUANGDONG = "guangdong"
    HEBEI = "hebei"
    CHENGDU = "chengdu"


class Province(StrEnum):
    """Where a company sits; its coordinator follows from it. `other`: elsewhere in Flanders."""

    ANTWERP = "antwerp"
    LIMBURG = "limburg"
    EAST_FLANDERS = "east_flanders"
    FLEMISH_BRABANT = "flemish_brabant"
    OTHER = "other"

    @property
    def coordinator(self) -> str:
        """The organisation whose coordinator looks after the province's companies."""
        return NETWORK[0] if self is Province.OTHER else str(self)


COORDINATED = tuple(province for province in Province if province is not Province.OTHER)
"""The provinces that have coordinators; their organisation is named as the province."""
NETWORK = ("cleantech_flanders", "fit")
"""The organisations whose coordinators read of every province."""


class Language(StrEnum):
    """The languages people write in here (ISO 639-1)."""

    DUTCH = "nl"
    ENGLISH = "en"
    CHINESE = "zh"


class Currency(StrEnum):
    """What prices and budgets are in (ISO 4217)."""

    EURO = "EUR"
    YUAN = "CNY"


class Partnership(StrEnum):
    """What kind of working together is sought."""

    LICENCE = "licence"
    JOINT_VENTURE = "joint_venture"
    SALE = "sale"
    PILOT = "pilot"
    RESEARCH = "research"


class IntellectualProperty(StrEnum):
    """How what is proposed is protected."""

    PATENTED = "patented"
    PATENT_PENDING = "patent_pending"
    SECRET = "secret"
    LICENSED = "licensed"
    OPEN = "open"


class Objection(StrEnum):
    """Why a match came to nothing: the same words for a veto, a negative answer and a contact that led nowhere."""

    NOT_A_FIT = "not_a_fit"
    NOT_MATURE = "not_mature"
    TOO_EXPENSIVE = "too_expensive"
    WRONG_SCALE = "wrong_scale"
    NOT_NOW = "not_now"
    SOLVED_ALREADY = "solved_already"
    UNCLEAR = "unclear"
    OTHER = "other"

    @property
    def words(self) -> str:
        """The objection as a short English phrase."""
        return self.replace("_", " ")


class Digest(StrEnum):
    """How often somebody wants to hear of what can wait."""

    AT_ONCE = "at_once"
    DAILY = "daily"
    WEEKLY = "weekly"


class Role(StrEnum):
    """What a caller is to the platform."""

    COMPANY = "company"
    REGION = "region"
    COORDINATOR = "coordinator"
    PARTNER = "partner"
    OPERATOR = "operator"


COMPANIES = UUID("6f0f5a52-7a0b-5d0e-9a39-0c2f6d7f1c11")
"""Namespace of company ids."""


def company_id(enterprise_number: str) -> UUID:
    """UUIDv5 of a Belgian enterprise number: the same company is the same id everywhere, with no register to ask."""
    return uuid5(COMPANIES, re.sub(r"\D", "", enterprise_number))


_SURROGATE = re.compile("[\ud800-\udfff]")


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain the NUL character (U+0000)")
    if _SURROGATE.search(text):
        raise ValueError("must not contain an unpaired surrogate (U+D800 to U+DFFF)")
    return text


def trimmed(most: int | None = None, pattern: str | None = None) -> StringConstraints:
    """What holds for every text: no blanks around it, and it says something."""
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=most, pattern=pattern)


# The limits stand before the check: after it pydantic would count "items", not characters.
storable = AfterValidator(_storable)
Text = Annotated[str, trimmed(), storable]
"""Text that PostgreSQL and JSON can hold."""
Title = Annotated[str, trimmed(200), storable]
Body = Annotated[str, trimmed(8_000), storable]
Short = Annotated[str, trimmed(500), storable]


def _each_once(challenges: tuple[Challenge, ...]) -> tuple[Challenge, ...]:
    return tuple(sorted(set(challenges)))


Challenges = Annotated[
    tuple[Challenge, ...], Field(min_length=1, json_schema_extra={"uniqueItems": True}), AfterValidator(_each_once)
]
"""At least one; each once, in ascending order."""

Trl = Annotated[int, Field(ge=1, le=9)]
"""Technology readiness level, from 1 (basic principles observed) to 9 (proven in operation)."""
