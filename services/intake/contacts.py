"""The companies' people over HTTP: shared, revised and read by their company, erased by a coordinator too."""

from uuid import UUID

from sqlalchemy import ColumnElement, true
from sqlmodel import col, select

from services.intake.models import Company, Contact
from shared import contacts
from shared.auth import Caller, CompanyOrCoordinator
from shared.auth import Company as CompanyCaller
from shared.contacts import ContactDraft, ContactRevision, ContactVersion, ContactView
from shared.events import ContactErased
from shared.http import Page, Session, commands, queries
from shared.vocabulary import NETWORK, Role

write = commands()
read = queries()


@write.post("/contacts", status_code=201)
async def share_contact(draft: ContactDraft, caller: CompanyCaller, db: Session) -> ContactVersion:
    """Name a person to reach at the caller's company. Shown to another party at an introduction, never before."""
    contact = Contact(subject=caller.subject, company_id=caller.company_id, **draft.model_dump())
    return contacts.share(db, contact)


@write.put("/contacts/{contact_id}")
async def revise_contact(
    contact_id: UUID, draft: ContactRevision, caller: CompanyCaller, db: Session
) -> ContactVersion:
    """Say anew whom to reach: what is said holds from now on, also for mails that wait."""
    return await contacts.revise(db, Contact, contact_id, draft, _mine(caller))


@write.post("/contacts/{contact_id}/erase")
async def erase_contact(contact_id: UUID, caller: CompanyOrCoordinator, db: Session) -> ContactErased:
    """Forget a person, for good. Mails that wait for it are cancelled."""
    return await contacts.erase(db, Contact, contact_id, _erasable(caller))


@read.get("/contacts")
async def list_contacts(caller: CompanyCaller, db: Session, page: Page) -> list[ContactView]:
    """The people of the caller's company, by id; `after` is the last id of the page before."""
    return await contacts.listed(db, Contact, _mine(caller), page)


def _mine(caller: Caller) -> ColumnElement[bool]:
    return col(Contact.company_id) == caller.company_id


def _erasable(caller: Caller) -> ColumnElement[bool]:
    """A coordinator erases for the companies it reads of; one that is not registered yet, the network's alone."""
    if caller.role is Role.COMPANY:
        return _mine(caller)
    if caller.organisation in NETWORK:
        return true()
    theirs = select(Company.company_id).where(col(Company.province).in_(caller.provinces))
    return col(Contact.company_id).in_(theirs)
