"""The people to reach, told by their owner (intake or regions) to notify alone."""

from uuid import UUID

from shared.events.base import Event
from shared.vocabulary import Digest, Language, Region


class ContactShared(Event, topic="i2pcc.contacts.v1", key="contact_id", personal=True):
    """Whom to write to, in which language."""

    contact_id: UUID
    subject: str | None = None
    """Who has shared it, as its token says (`sub`): by it a person's own data is found."""
    company_id: UUID | None = None
    """Set for a company's person."""
    region: Region | None = None
    """Set for a region's person."""
    coordinates: str | None = None
    """Set for a coordinator: a province, `cleantech_flanders` or `fit`."""
    organisation: str
    """Its name, as the person writes it."""
    name: str
    mail: str
    """One address, without a name."""
    phone: str | None = None
    """At most 30 characters, as the person writes it."""
    language: Language
    """What to write to the person in."""
    digest: Digest = Digest.AT_ONCE
    """How often the person wants to hear of what can wait."""


class ContactErased(Event, topic="i2pcc.contacts.v1", key="contact_id", personal=True, tombstone=True):
    """The person is to be forgotten: nothing but the id is left."""

    contact_id: UUID
    version: int = 0
    """A null value carries none: an erasure is final."""


ContactEvent = ContactShared | ContactErased
