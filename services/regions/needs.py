"""What a region says of a need, and what becomes of it: the same whether it was a draft before or not."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field
from sqlmodel import func, select

from services.regions.models import Contact, Need, NeedVersion
from services.regions.rules import NEED_LIFE, NeedStep, check_deadline, check_original, need_state
from shared.db import Db
from shared.events import Closing, NeedClosed, NeedPosted, Original
from shared.history import keep
from shared.http import Draft
from shared.lives import after
from shared.outbox import said
from shared.problems import invalid, not_found
from shared.vocabulary import Body, Challenges, Currency, Language, Partnership, Short, Title, Trl, storable, trimmed

PLATFORM = "platform"
"""Who closes a need whose deadline has passed."""

Titles = Annotated[tuple[Title, ...], Field(max_length=10)]
Partnerships = Annotated[
    tuple[Partnership, ...],
    Field(max_length=10, json_schema_extra={"uniqueItems": True}),
    AfterValidator(lambda kinds: tuple(sorted(set(kinds)))),
]


class CapacityDraft(Draft):
    """How much is to be treated, made or moved."""

    amount: Annotated[float, Field(gt=0, le=1e15, allow_inf_nan=False)]
    unit: Annotated[str, trimmed(50), storable]


class BudgetDraft(Draft):
    """What may be spent, in whole units of the currency."""

    most: Annotated[int, Field(gt=0, le=1_000_000_000_000)]
    currency: Currency


class OriginalDraft(Draft):
    """The text as it was first written, when title and body are a translation."""

    title: Title
    body: Body
    language: Language


class NeedDraft(Draft):
    """What a region looks for."""

    title: Title
    body: Body
    language: Language
    challenges: Challenges
    deadline: date | None = None
    contact_id: UUID
    organisation: Short | None = None
    parts: Titles = ()
    site: Short | None = None
    industry: Short | None = None
    capacity: CapacityDraft | None = None
    budget: BudgetDraft | None = None
    minimum_trl: Trl | None = None
    evidence: Titles = ()
    partnerships: Partnerships = ()
    original: OriginalDraft | None = None


class NeedRevision(NeedDraft):
    """A need's new text. `version` is the one that the caller has read."""

    version: int


class Closure(Draft):
    """Why a need takes no more proposals. `version` is the one that the caller has read."""

    version: int
    reason: Literal["fulfilled", "cancelled", "postponed"]


async def check(db: Db, draft: NeedDraft, region: str) -> None:
    """What a need says goes together, and its contact is the region's.

    Raises:
        Problem: 422.
    """
    contact = select(Contact.contact_id).where(Contact.contact_id == draft.contact_id, Contact.region == region)
    today, known = (await db.execute(select(func.current_date(), contact.scalar_subquery()))).one()
    check_deadline(draft.deadline, today)
    check_original(draft.language, Original(**draft.original.model_dump()) if draft.original else None)
    if known is None:
        raise invalid("body.contact_id", "must be a contact that your region has shared")


async def own_need(db: Db, need_id: UUID, region: str, taken: NeedStep) -> Need:
    """The need, locked, if it is this region's and the step is possible.

    Raises:
        Problem: 404; 409.
    """
    need = await db.get(Need, need_id, with_for_update=True)
    if need is None or need.region != region:
        raise not_found("need")
    after(NEED_LIFE, "need", need_state(need.closed), taken)
    return need


def post(db: Db, need: Need, by: str) -> NeedPosted:
    """Open a need for proposals."""
    db.add(need)
    return keep(db, NeedVersion, said(db, NeedPosted, need), by)


def close(db: Db, need: Need, closing: Closing, by: str) -> NeedClosed:
    """Take no more proposals for an open need, which is locked."""
    need.closed, need.closing = True, closing
    need.version += 1
    return keep(db, NeedVersion, said(db, NeedClosed, need), by)
