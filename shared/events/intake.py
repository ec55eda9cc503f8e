"""What intake says: companies, consortia, proposals."""

from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.events.base import Event
from shared.vocabulary import Challenge, Language, Province


class _Company(Event, topic="i2pcc.companies.v1", key="company_id", abstract=True):
    company_id: UUID
    enterprise_number: str
    name: str
    province: Province
    languages: tuple[Language, ...]


class CompanyRegistered(_Company):
    """A Flemish company joined the network."""


class CompanyRevised(_Company):
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


class _Consortium(Event, topic="i2pcc.consortia.v1", key="consortium_id", abstract=True):
    consortium_id: UUID
    title: str
    lead_id: UUID
    parts: tuple[Part, ...]
    closed: bool


class ConsortiumOpened(_Consortium):
    """A lead described the parts and named who could bring them."""


class PartConfirmed(_Consortium):
    """A contributor confirmed its part."""


class PartDeclined(_Consortium):
    """A contributor declined its part."""


class ConsortiumClosed(_Consortium):
    """The consortium's proposal was submitted; its parts no longer change."""


class _Proposal(Event, topic="i2pcc.proposals.v1", key="proposal_id", abstract=True):
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


class ProposalSubmitted(_Proposal):
    """A proposal passed intake and may be matched."""


class ProposalRevised(_Proposal):
    """Its lead changed a submitted proposal."""


class ProposalWithdrawn(_Proposal):
    """Its lead took a proposal back."""


ProposalEvent = ProposalSubmitted | ProposalRevised | ProposalWithdrawn
