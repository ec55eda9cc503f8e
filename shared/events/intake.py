"""What intake says: companies, consortia, proposals."""

from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.events.base import Event
from shared.vocabulary import Challenge, Language, Province


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


class CompanyRegistered(CompanyFacts):
    """A Flemish company joined the network."""


class CompanyRevised(CompanyFacts):
    """A company changed what it says of itself."""


class PartState(StrEnum):
    """Where one part of the puzzle stands."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    DECLINED = "declined"


class Part(BaseModel):
    """One part of a consortium's puzzle and the company asked to bring it."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)
    part_id: UUID
    title: str
    """What is to be brought."""
    company_id: UUID
    """Who was asked to bring it."""
    state: PartState


class ConsortiumFacts(Event, topic="i2pcc.consortia.v1", key="consortium_id", abstract=True):
    """A consortium: a lead, and the parts that others bring."""

    consortium_id: UUID
    title: str
    lead_id: UUID
    """The company that opened it; what it brings itself is not among the parts."""
    parts: tuple[Part, ...]
    """At least one, each another company's."""
    closed: bool
    """Whether its proposal has been submitted: then its parts no longer change."""


class ConsortiumOpened(ConsortiumFacts):
    """A lead described the parts and named who could bring them."""


class PartConfirmed(ConsortiumFacts):
    """A contributor confirmed its part."""


class PartDeclined(ConsortiumFacts):
    """A contributor declined its part."""


class ConsortiumClosed(ConsortiumFacts):
    """The consortium's proposal was submitted; its parts no longer change."""


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


class ProposalSubmitted(ProposalFacts):
    """A proposal passed intake and may be matched."""


class ProposalRevised(ProposalFacts):
    """Its lead changed a submitted proposal."""


class ProposalWithdrawn(ProposalFacts):
    """Its lead took a proposal back."""


ProposalEvent = ProposalSubmitted | ProposalRevised | ProposalWithdrawn
