"""Regions over HTTP: the regions' needs."""

from datetime import date
from uuid import UUID

from sqlmodel import func, select

from services.regions.models import Contact, Need
from services.regions.rules import check_deadline
from shared.auth import RegionPerson
from shared.db import Db
from shared.events import NeedClosed, NeedFacts, NeedPosted, NeedRevised
from shared.http import Draft, Page, Session, commands, queries
from shared.outbox import said
from shared.problems import conflict, invalid, not_found
from shared.vocabulary import Body, Challenges, Language, Title

write = commands()
read = queries()


class NeedDraft(Draft):
    """What a region looks for."""

    title: Title
    body: Body
    language: Language
    challenges: Challenges
    deadline: date | None = None
    contact_id: UUID


class NeedRevision(NeedDraft):
    """A need's new text. `version` is the one that the caller has read."""

    version: int


@write.post("/needs", status_code=201)
async def post_need(draft: NeedDraft, caller: RegionPerson, db: Session) -> NeedPosted:
    """Post a need; it will be matched with the companies' proposals."""
    await _check(db, draft, caller.region)
    need = Need(region=caller.region, **draft.model_dump())
    db.add(need)
    return said(db, NeedPosted, need)


@write.put("/needs/{need_id}")
async def revise_need(need_id: UUID, draft: NeedRevision, caller: RegionPerson, db: Session) -> NeedRevised:
    """Revise an open need. Its region never changes: close it and post it anew."""
    need = await _own_need(db, need_id, caller.region)
    await _check(db, draft, caller.region)
    if need.version != draft.version:
        raise conflict(f"The need is at version {need.version}; read it again before you change it.")
    need.sqlmodel_update(draft.model_dump())
    need.version += 1
    return said(db, NeedRevised, need)


@write.post("/needs/{need_id}/close")
async def close_need(need_id: UUID, caller: RegionPerson, db: Session) -> NeedClosed:
    """Take no more proposals for a need."""
    need = await _own_need(db, need_id, caller.region)
    need.closed = True
    need.version += 1
    return said(db, NeedClosed, need)


@read.get("/needs")
async def list_needs(caller: RegionPerson, db: Session, page: Page) -> list[NeedFacts]:
    """The needs of the caller's region, by id; `after` is the last id of the page before."""
    rows = await page.of(db, select(Need).where(Need.region == caller.region), Need.need_id)
    return [NeedFacts.model_validate(row.model_dump()) for row in rows]


@read.get("/needs/{need_id}")
async def get_need(need_id: UUID, caller: RegionPerson, db: Session) -> NeedFacts:
    """One need of the caller's region."""
    need = await db.get(Need, need_id)
    if need is None or need.region != caller.region:
        raise not_found("need")
    return NeedFacts.model_validate(need.model_dump())


async def _check(db: Db, draft: NeedDraft, region: str) -> None:
    contact = select(Contact.contact_id).where(Contact.contact_id == draft.contact_id, Contact.region == region)
    today, known = (await db.execute(select(func.current_date(), contact.scalar_subquery()))).one()
    check_deadline(draft.deadline, today)
    if known is None:
        raise invalid("body.contact_id", "must be a contact that your region has shared")


async def _own_need(db: Db, need_id: UUID, region: str) -> Need:
    """The need, locked, if it is this region's and open."""
    need = await db.get(Need, need_id, with_for_update=True)
    if need is None or need.region != region:
        raise not_found("need")
    if need.closed:
        raise conflict("This need is closed; post it anew.")
    return need
