"""What intake says: companies, consortia, proposals."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.events.base import Event, Value
from shared.vocabulary import (
    Challenge,
    Currency,
    IntellectualProperty,
    Language,
    Partnership,
    Province,
    Region,
)


class Stronghold(Value):
    """Something that a company is known to be good at."""

    title: str
    challenges: tuple[Challenge, ...]


class BusinessCase(Value):
    """One entry of a company's proven track record."""

    what: str
    where: str
    year: int
    result: str
    """What was measured."""


class CompanyFacts(Event, topic="i2pcc.companies.v1", key="company_id", abstract=True):
    """A company as the network knows it."""

    company_id: UUID
    """UUIDv5 of the enterprise number: the same company has the same id everywhere."""
    enterprise_number: str
    """Ten digits, without dots."""
    name: str
    province: Province
    languages: tuple[Language, ...]
    """The languages it can be written to in."""
    strongholds: tuple[Stronghold, ...] = ()
    business_cases: tuple[BusinessCase, ...] = ()
    suggestible: bool = False
    """Whether it agreed to be suggested to leads who look for a part, and with others to cover a need together."""


class CompanyRegistered(CompanyFacts):
    """A Flemish company joined the network."""


class CompanyRevised(CompanyFacts):
    """A company changed what it says of itself."""


class PartState(StrEnum):
    """Where one part of the puzzle stands."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    DECLINED = "declined"


class Part(Value):
    """One part of a consortium's puzzle and the company asked to bring it."""

    part_id: UUID
    title: str
    """What is to be brought."""
    company_id: UUID
    """Who was asked to bring it."""
    state: PartState


class WantedPart(Value):
    """A part of the puzzle for which nobody has been found yet."""

    part_id: UUID
    title: str
    """What is to be brought."""


class ConsortiumFacts(Event, topic="i2pcc.consortia.v1", key="consortium_id", abstract=True):
    """A consortium: a lead, and the parts that others bring."""

    consortium_id: UUID
    title: str
    lead_id: UUID
    """The company that opened it; what it brings itself is not among the parts."""
    parts: tuple[Part, ...]
    """Those that a company was asked to bring, each another one."""
    wanted: tuple[WantedPart, ...] = ()
    """Those that still look for a company."""
    contact_id: UUID | None = None
    """Whom to tell at the lead: a person told as ContactShared."""
    closed: bool
    """Whether its proposal has been submitted: then its parts no longer change."""


class ConsortiumOpened(ConsortiumFacts):
    """A lead described the parts and named who could bring them."""


class ConsortiumRevised(ConsortiumFacts):
    """Its lead changed the parts, or whom it asks to bring them."""


class PartConfirmed(ConsortiumFacts):
    """A contributor confirmed its part."""


class PartDeclined(ConsortiumFacts):
    """A contributor declined its part."""


class ConsortiumClosed(ConsortiumFacts):
    """The consortium's proposal was submitted; its parts no longer change."""


class InvitationIssued(Event, topic="i2pcc.invitations.v1", key="invitation_id", personal=True):
    """A lead asks somebody by mail to bring a part. Told to notify alone, for it carries an address and the token."""

    invitation_id: UUID
    consortium_id: UUID
    part_id: UUID
    consortium: str
    """The consortium's title."""
    part: str
    """The part's title."""
    lead: str
    """The name of the company that asks."""
    mail: str
    language: Language
    """What to write in."""
    token: str
    """Lets one company answer, once."""
    expires_at: datetime


class ProposalKind(StrEnum):
    """How far a company commits itself."""

    PROPOSAL = "proposal"
    INTEREST = "interest"
    """It wants to engage and to develop contacts under these challenges."""


class Teaser(StrEnum):
    """How much of a proposal anyone in the network may read."""

    CHALLENGES = "challenges"
    TITLE = "title"
    SUMMARY = "summary"


class Maturity(Value):
    """How far a technology has come."""

    trl: int
    """Technology readiness level, 1 (basic principles observed) to 9 (proven in operation)."""
    evidence: str | None = None
    """What shows it."""


class Price(Value):
    """From what to what it costs."""

    least: int
    """Whole units of the currency."""
    most: int
    """Whole units of the currency, at least `least`."""
    currency: Currency


class ProposalFacts(Event, topic="i2pcc.proposals.v1", key="proposal_id", abstract=True):
    """A proposal as it stands."""

    proposal_id: UUID
    title: str
    """At most 200 characters."""
    body: str
    """At most 8,000 characters."""
    language: Language
    """What title and body are written in."""
    challenges: tuple[Challenge, ...]
    """Each once, in ascending order."""
    lead_id: UUID
    """The company that submitted it and alone may change it."""
    members: tuple[UUID, ...]
    """All companies that take part, the lead first."""
    provinces: tuple[Province, ...]
    """One for each member, in the members' order."""
    consortium_id: UUID | None = None
    """Not set for a company's own proposal."""
    contact_id: UUID
    """Whom to introduce: a person told as ContactShared."""
    withdrawn: bool = False
    """Final: it takes part in no more matches."""
    kind: ProposalKind = ProposalKind.PROPOSAL
    teaser: Teaser = Teaser.TITLE
    """How much of it anyone in the network may read."""
    summary: str | None = None
    """For the teaser; at most 500 characters."""
    maturity: Maturity | None = None
    intellectual_property: IntellectualProperty | None = None
    partnerships: tuple[Partnership, ...] = ()
    """What kinds the company seeks; all of them if none is named."""
    scale: str | None = None
    """What sizes it comes in, at most 500 characters."""
    price: Price | None = None
    working_languages: tuple[Language, ...] = ()
    """What its people can work in."""
    regions: tuple[Region, ...] = ()
    """Those that it prefers; all of them if none is named."""


class ProposalSubmitted(ProposalFacts):
    """A proposal passed intake and may be matched."""


class ProposalRevised(ProposalFacts):
    """Its lead changed a submitted proposal."""


class ProposalWithdrawn(ProposalFacts):
    """Its lead took a proposal back."""


ProposalEvent = ProposalSubmitted | ProposalRevised | ProposalWithdrawn
