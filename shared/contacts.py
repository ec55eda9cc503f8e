"""What a person says of itself to be reachable. Each owner (intake, regions) keeps it in a table of its own."""

import asyncio
import re
from typing import Annotated, TypeVar
from uuid import UUID, uuid4

from pydantic import AfterValidator, BaseModel
from sqlalchemy import ColumnElement, text
from sqlmodel import Field, SQLModel, col, select

from shared import erasures
from shared.db import Db
from shared.events import ContactErased, ContactShared
from shared.held import Held, Rows
from shared.http import Draft, Page
from shared.lives import check_version
from shared.outbox import emit, said
from shared.problems import not_found
from shared.settings import Contacts
from shared.vocabulary import Digest, Language, Short, storable, trimmed

ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
TOP = r"[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])"
MAIL = re.compile(rf"{ATOM}(\.{ATOM})*@({LABEL}\.)+{TOP}")
LONGEST_BOX = 64
"""Characters before the @ (RFC 5321)."""
AGAIN = 86_400
"""Seconds from the first marker to the second, for a Kafka that was away at the first: see `erase`."""
UNSAY = text("delete from outbox where topic = :topic and key = :key")


def _deliverable(mail: str) -> str:
    if not MAIL.fullmatch(mail) or len(mail.partition("@")[0]) > LONGEST_BOX:
        raise ValueError("must be one mail address, without a name, quotes or comments, such as an.peeters@example.org")
    return mail


Mail = Annotated[str, trimmed(254), AfterValidator(_deliverable)]
"""An address that every mail server takes: a dot-atom at the name of a host, in ASCII."""
Phone = Annotated[str, trimmed(30, r"^\+?[0-9 ()./-]{5,}$"), storable]


class ContactDraft(Draft):
    """Whom to reach."""

    organisation: Short
    name: Short
    mail: Mail
    phone: Phone | None = None
    language: Language
    digest: Digest = Digest.AT_ONCE


class ContactRevision(ContactDraft):
    """All that is said of a person, anew. `version` is the one that the caller has read."""

    version: int


class ContactRow(SQLModel):
    """The columns of an owner's table, which adds whom the person speaks for. Personal data: told to notify alone."""

    contact_id: UUID = Field(default_factory=uuid4, primary_key=True)
    version: int = 1
    subject: str
    organisation: str
    name: str
    mail: str
    phone: str | None
    language: str
    digest: str


class ContactVersion(BaseModel):
    """What a command answers: no name, no address, for answers are kept for a day, and longer than an erased person."""

    contact_id: UUID
    version: int


class ContactView(ContactVersion):
    """A person to reach, for its own side."""

    organisation: str
    name: str
    mail: str
    phone: str | None
    language: Language
    digest: Digest


C = TypeVar("C", bound=ContactRow)


def share(db: Db, contact: ContactRow) -> ContactVersion:
    """Keep a person, and tell notify."""
    db.add(contact)
    return _told(db, contact)


async def revise(
    db: Db, table: type[C], contact_id: UUID, draft: ContactRevision, mine: ColumnElement[bool]
) -> ContactVersion:
    """Say anew what is said of a person, and tell notify.

    Raises:
        Problem: 404 unless it is there and `mine`; 409 if it is at another version.
    """
    contact = await _locked(db, table, contact_id, mine)
    check_version("contact", contact.version, draft.version)
    contact.sqlmodel_update(draft.model_dump())
    contact.version += 1
    return _told(db, contact)


async def erase(db: Db, table: type[C], contact_id: UUID, reach: ColumnElement[bool]) -> ContactErased:
    """Forget a person: the row, what was not published yet, and, by a null value, what Kafka and notify hold.

    Kafka compacts a key once its null value lies in a segment that is closed, and a segment is closed by what is
    written after its time: on a quiet topic nothing is. So the null value is said again when that time has passed; and
    once more a day later, in case Kafka was away so long that the first two went out together, or a relay that had
    been stopped woke up and said the person after the first.

    Before anything is committed the id is noted outside the database, for the day when an older backup is restored.

    Raises:
        Problem: 404 unless it is there and within the caller's `reach`.
    """
    await db.delete(await _locked(db, table, contact_id, reach))
    settings, erased = Contacts(), ContactErased(contact_id=contact_id)
    if settings.erasures:
        await asyncio.to_thread(erasures.note, settings.erasures, contact_id)
    await db.execute(UNSAY, {"topic": erased.topic, "key": erased.key_text()})
    emit(db, erased)
    for wait in (settings.marker_seconds, settings.marker_seconds + AGAIN):
        emit(db, erased, wait=wait)
    return erased


async def listed(db: Db, table: type[C], mine: ColumnElement[bool], page: Page) -> list[ContactView]:
    """The people of the caller's side, by id."""
    rows = await page.of(db, select(table).where(mine), table.contact_id)
    return [ContactView.model_validate(row.model_dump()) for row in rows]


def held(table: type[C]) -> Held:
    """What an owner holds of whom a subject has shared."""

    async def contacts(db: Db, subject: str) -> Rows:
        rows = await db.scalars(select(table).where(table.subject == subject).order_by(col(table.contact_id)))
        return {"contacts": [row.model_dump(exclude={"subject"}) for row in rows]}

    return contacts


def _told(db: Db, contact: ContactRow) -> ContactVersion:
    event = said(db, ContactShared, contact)
    return ContactVersion(contact_id=event.contact_id, version=event.version)


async def _locked(db: Db, table: type[C], contact_id: UUID, reach: ColumnElement[bool]) -> C:
    contact = await db.scalar(select(table).where(table.contact_id == contact_id, reach).with_for_update())
    if contact is None:
        raise not_found("contact")
    return contact
