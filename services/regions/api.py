"""Regions over HTTP: the regions' needs."""

from uuid import UUID

from sqlmodel import select

from services.regions import needs
from services.regions.models import Need, NeedVersion
from services.regions.needs import Closure, NeedDraft, NeedRevision, own_need
from services.regions.rules import NeedStep
from shared.auth import RegionPerson
from shared.db import Db
from shared.events import Closing, NeedClosed, NeedFacts, NeedPosted, NeedRevised
from shared.history import After, Version, history, keep
from shared.http import Page, Session, commands, queries
from shared.lives import check_version
from shared.outbox import said
from shared.problems import not_found

write = commands()
read = queries()


@write.post("/needs", status_code=201)
async def post_need(draft: NeedDraft, caller: RegionPerson, db: Session) -> NeedPosted:
    """Post a need; it will be matched with the companies' proposals."""
    await needs.check(db, draft, caller.region)
    return needs.post(db, Need(region=caller.region, **draft.model_dump()), caller.side)


@write.put("/needs/{need_id}")
async def revise_need(need_id: UUID, draft: NeedRevision, caller: RegionPerson, db: Session) -> NeedRevised:
    """Revise an open need. Its region never changes: close it and post it anew."""
    need = await own_need(db, need_id, caller.region, NeedStep.REVISE)
    await needs.check(db, draft, caller.region)
    check_version("need", need.version, draft.version)
    need.sqlmodel_update(draft.model_dump())
    need.version += 1
    return keep(db, NeedVersion, said(db, NeedRevised, need), caller.side)


@write.post("/needs/{need_id}/close")
async def close_need(need_id: UUID, closure: Closure, caller: RegionPerson, db: Session) -> NeedClosed:
    """Take no more proposals for a need, and say why. One whose deadline passes closes by itself."""
    need = await own_need(db, need_id, caller.region, NeedStep.CLOSE)
    check_version("need", need.version, closure.version)
    return needs.close(db, need, Closing(closure.reason), caller.side)


@read.get("/needs")
async def list_needs(caller: RegionPerson, db: Session, page: Page) -> list[NeedFacts]:
    """The needs of the caller's region, by id; `after` is the last id of the page before."""
    rows = await page.of(db, select(Need).where(Need.region == caller.region), Need.need_id)
    return [NeedFacts.model_validate(row.model_dump()) for row in rows]


@read.get("/needs/{need_id}")
async def get_need(need_id: UUID, caller: RegionPerson, db: Session) -> NeedFacts:
    """One need of the caller's region."""
    return NeedFacts.model_validate((await _seen(db, need_id, caller.region)).model_dump())


@read.get("/needs/{need_id}/history")
async def get_history(need_id: UUID, caller: RegionPerson, db: Session, after: After = 0) -> list[Version]:
    """The versions of a need of the caller's region: what each said, when, and which side wrote it."""
    await _seen(db, need_id, caller.region)
    return await history(db, NeedVersion, need_id, after)


async def _seen(db: Db, need_id: UUID, region: str) -> Need:
    need = await db.get(Need, need_id)
    if need is None or need.region != region:
        raise not_found("need")
    return need
