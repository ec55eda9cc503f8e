"""What intake says: companies, consortia, proposals."""

from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.events.base import Event
from shared.vocabulary import Challenge, Language, Province


class CompanyFacts(Event, topic="i2pcc.companies.v1", key="company_id", abstract=True):
    """A company as the network knows it."""

    company_id: UUID
    enterprise_number: str
    name: str
    province: Province
    languages: tuple[Language, ...]


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

    model_config = ConfigDict(frozen=True)
    part_id: UUID
    title: str
    company_id: UUID
    state: PartState


class ConsortiumFacts(Event, topic="i2pcc.consortia.v1", key="consortium_id", abstract=True):
    """A consortium: a lead, and the parts that others bring."""

    consortium_id: UUID
    title: str
    lead_id: UUID
    parts: tuple[Part, ...]
    closed: bool


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
    body: str
    language: Language
    challenges: tuple[Challenge, ...]
    lead_id: UUID
    members: tuple[UUID, ...]
    provinces: tuple[Province, ...]
    """The provinces of all members, the lead's first."""
    consortium_id: UUID | None = None
    contact_id: UUID
    withdrawn: bool = False


class ProposalSubmitted(ProposalFacts):
    """A proposal passed intake and may be matched."""


class ProposalRevised(ProposalFacts):
    """Its lead changed a submitted proposal."""


class ProposalWithdrawn(ProposalFacts):
    """Its lead took a proposal back."""


ProposalEvent = ProposalSubmitted | ProposalRevised | ProposalWithdrawn
