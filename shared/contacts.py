"""What a person says of itself to be reachable. Each owner (intake, regions) keeps it in a table of its own."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from shared.vocabulary import Language, Short, Text

Mail = Annotated[Text, StringConstraints(max_length=254, pattern=r"^[^@\s<>\",;]+@[^@\s<>\",;]+\.[^@\s<>\",;]+$")]
Phone = Annotated[Text, StringConstraints(max_length=30, pattern=r"^\+?[0-9 ()./-]{5,}$")]


class ContactDraft(BaseModel):
    """Whom to reach."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    organisation: Short
    name: Short
    mail: Mail
    phone: Phone | None = None
    language: Language
