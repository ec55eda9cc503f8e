"""Who was erased after a backup is erased again, by the services' own code, before anything of it is served."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import true

from deploy.embedded.platform import Platform
from services.intake.models import Contact as CompanysContact
from services.notify.handlers import keep_contacts
from services.regions.models import Contact as RegionsContact
from shared import audit, contacts
from shared.db import Sessions, connect, sessions
from shared.events import ContactErased
from shared.problems import Problem as Refusal
from shared.settings import Database

OWNERS: dict[str, type[contacts.ContactRow]] = {"intake": CompanysContact, "regions": RegionsContact}


async def erase(platform: Platform, gone: Collection[UUID]) -> int:
    """Erase these contacts wherever they are.

    The owner forgets the row, notes that in its audit log and says ContactErased, as ever. notify forgets its copy at
    once: nobody is to be written to before it has read that.

    Returns:
        How many an owner still had.
    """
    found = 0
    for service, table in OWNERS.items():
        async with _sessions(platform, service) as made:
            for contact_id in sorted(gone):
                found += await _forget(made, table, contact_id)
    async with _sessions(platform, "notify") as made, made() as db, db.begin():
        await keep_contacts([ContactErased(contact_id=contact_id) for contact_id in sorted(gone)], db)
    return found


async def _forget(made: Sessions, table: type[contacts.ContactRow], contact_id: UUID) -> bool:
    async with made() as db:
        try:
            await contacts.erase(db, table, contact_id, true())
        except Refusal:
            return False
        audit.record(db, "i2pcc restore", "erase again", audit.objects(db))
        await db.commit()
    return True


@asynccontextmanager
async def _sessions(platform: Platform, service: str) -> AsyncIterator[Sessions]:
    """Sessions as the service has them."""
    url = platform.database_url(platform.manifest.services[service].role)
    engine = connect(Database(url=url), "i2pcc restore")
    try:
        yield sessions(engine)
    finally:
        await engine.dispose()
