"""The people to reach, told by their owner (intake or regions) to notify alone. The one topic with personal data."""

from uuid import UUID

from shared.events.base import Event
from shared.vocabulary import Language, Region


class ContactShared(Event, topic="i2pcc.contacts.v1", key="contact_id", personal=True):
    """Whom to write to, in which language."""

    contact_id: UUID
    company_id: UUID | None = None
    region: Region | None = None
    organisation: str
    name: str
    mail: str
    phone: str | None = None
    language: Language


class ContactErased(Event, topic="i2pcc.contacts.v1", key="contact_id", personal=True, tombstone=True):
    """The person is to be forgotten: nothing but the id is left."""

    contact_id: UUID
    version: int = 0


ContactEvent = ContactShared | ContactErased
