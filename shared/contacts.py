"""What a person says of itself to be reachable. Each owner (intake, regions) keeps it in a table of its own."""

from typing import Annotated
from uuid import UUID, uuid4

from sqlmodel import Field, SQLModel

from shared.http import Draft
from shared.vocabulary import Language, Short, storable, trimmed

Mail = Annotated[str, trimmed(254, r"^[^@\s<>\",;]+@[^@\s<>\",;]+\.[^@\s<>\",;]+$"), storable]
Phone = Annotated[str, trimmed(30, r"^\+?[0-9 ()./-]{5,}$"), storable]


class ContactDraft(Draft):
    """Whom to reach."""

    organisation: Short
    name: Short
    mail: Mail
    phone: Phone | None = None
    language: Language


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
