"""What is not said yet: drafts, which may lack anything until they are put forward. They lead to no event."""

from functools import cache
from typing import Any, Optional, TypeVar
from uuid import UUID, uuid4

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError, create_model
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from shared.http import Draft

D = TypeVar("D", bound=Draft)


class DraftRow(SQLModel):
    """The columns of a service's table of drafts, which adds whose each is."""

    draft_id: UUID = Field(default_factory=uuid4, primary_key=True)
    version: int = 1
    content: dict[str, Any] = Field(sa_type=JSONB)
    """The fields that have been filled in, as JSON."""


@cache
def partial(kind: type[D]) -> type[Draft]:
    """The same fields, each of which may be left out; one that is there must be good."""
    fields: dict[str, Any] = {
        name: (Optional[field.rebuild_annotation()], None)  # noqa: UP045 - what it yields knows no `|`
        for name, field in kind.model_fields.items()
    }
    return create_model(f"Partial{kind.__name__}", __base__=Draft, __doc__=kind.__doc__, **fields)


def completed(kind: type[D], content: dict[str, Any]) -> D:
    """What a draft has become, if nothing is missing.

    Raises:
        RequestValidationError: a 422 that names each field that is missing or wrong.
    """
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        problems = [{**each, "loc": ("body", *each["loc"])} for each in error.errors(include_url=False)]
        raise RequestValidationError(problems) from None
