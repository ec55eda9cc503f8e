"""What a person says of itself to be reachable. Each owner (intake, regions) keeps it in a table of its own."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict

from shared.vocabulary import Language, Short, storable, trimmed

Mail = Annotated[str, trimmed(254, r"^[^@\s<>\",;]+@[^@\s<>\",;]+\.[^@\s<>\",;]+$"), storable]
Phone = Annotated[str, trimmed(30, r"^\+?[0-9 ()./-]{5,}$"), storable]


class ContactDraft(BaseModel):
    """Whom to reach."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    organisation: Short
    name: Short
    mail: Mail
    phone: Phone | None = None
    language: Language
