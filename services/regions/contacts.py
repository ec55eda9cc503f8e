"""The regions' people and the coordinators over HTTP: shared, revised, read and erased by their own side."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, true
from sqlmodel import col

from services.regions.models import Contact
from shared import contacts
from shared.auth import Caller, RegionOrCoordinator
from shared.contacts import ContactDraft, ContactRevision, ContactVersion, ContactView
from shared.events import ContactErased
from shared.http import Page, Session, commands, queries
from shared.vocabulary import NETWORK, Role

write = commands()
read = queries()


@write.post("/contacts", status_code=201)
async def share_contact(draft: ContactDraft, caller: RegionOrCoordinator, db: Session) -> ContactVersion:
    """Name a person to reach in the caller's region, or at its organisation.

    A region's person is shown to another party at an introduction, never before; a coordinator is written to, and shown
    to nobody.
    """
    return contacts.share(db, Contact(subject=caller.subject, **_side(caller), **draft.model_dump()))


@write.put("/contacts/{contact_id}")
async def revise_contact(
    contact_id: UUID, draft: ContactRevision, caller: RegionOrCoordinator, db: Session
) -> ContactVersion:
    """Say anew whom to reach: what is said holds from now on, also for mails that wait."""
    return await contacts.revise(db, Contact, contact_id, draft, _mine(caller))


@write.post("/contacts/{contact_id}/erase")
async def erase_contact(contact_id: UUID, caller: RegionOrCoordinator, db: Session) -> ContactErased:
    """Forget a person, for good. Mails that wait for it are cancelled."""
    everyone = caller.role is Role.COORDINATOR and caller.organisation in NETWORK
    return await contacts.erase(db, Contact, contact_id, true() if everyone else _mine(caller))


@read.get("/contacts")
async def list_contacts(caller: RegionOrCoordinator, db: Session, page: Page) -> list[ContactView]:
    """The people of the caller's region or organisation, by id; `after` is the last id of the page before."""
    return await contacts.listed(db, Contact, _mine(caller), page)


def _side(caller: Caller) -> dict[str, Any]:
    """Whom the caller's people speak for, as a contact's column."""
    return {"region": caller.region} if caller.role is Role.REGION else {"coordinates": caller.organisation}


def _mine(caller: Caller) -> ColumnElement[bool]:
    if caller.role is Role.REGION:
        return col(Contact.region) == caller.region
    return col(Contact.coordinates) == caller.organisation
