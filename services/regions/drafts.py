"""Drafts of needs over HTTP: the region's own business until they are posted. And what a need's reader would miss."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlmodel import select

from services.regions import needs
from services.regions.clarity import Advice, advice
from services.regions.missions import note_need
from services.regions.models import Need, NeedDraftRow
from services.regions.needs import NeedDraft
from services.regions.rules import check_original, need_state, no_draft_any_more
from shared.auth import RegionPerson
from shared.db import Db
from shared.drafts import completed, partial
from shared.events import NeedPosted, Origin, Original
from shared.http import Draft, Page, Session, commands, queries
from shared.lives import check_version
from shared.problems import conflict, invalid, not_found

write = commands()
read = queries()


class PartialNeed(partial(NeedDraft)):  # type: ignore[misc]
    """What has been filled in of a need; each field may be left out."""


class PartialNeedRevision(PartialNeed):
    """A draft's new content, all of it. `version` is the one that the caller has read."""

    version: int


class Seen(Draft):
    """`version` is the one that the caller has read."""

    version: int


class DraftView(BaseModel):
    """A draft as it stands."""

    draft_id: UUID
    version: int
    content: dict[str, Any]
    """The fields that have been filled in."""
    origin: Origin | None
    """The question on a mission that it was made from."""


@write.post("/need-drafts", status_code=201)
async def keep_draft(content: PartialNeed, caller: RegionPerson, db: Session) -> DraftView:
    """Keep what there is of a need; nobody outside the region sees it."""
    draft = NeedDraftRow(region=caller.region, content=_filled(content))
    db.add(draft)
    return view(draft)


@write.put("/need-drafts/{draft_id}")
async def revise_draft(draft_id: UUID, content: PartialNeedRevision, caller: RegionPerson, db: Session) -> DraftView:
    """Replace a draft's content."""
    draft = await _own(db, draft_id, caller.region, content.version)
    draft.content = _filled(content)
    draft.version += 1
    return view(draft)


@write.post("/need-drafts/{draft_id}/post", status_code=201)
async def post_draft(draft_id: UUID, seen: Seen, caller: RegionPerson, db: Session) -> NeedPosted:
    """Post a draft as a need of the same id; what is missing is named."""
    row = await _own(db, draft_id, caller.region, seen.version)
    draft = completed(NeedDraft, row.content)
    await needs.check(db, draft, caller.region)
    await db.delete(row)
    if row.origin:
        await note_need(db, Origin.model_validate(row.origin), draft_id, caller.region)
    need = Need(need_id=draft_id, region=caller.region, origin=row.origin, **draft.model_dump())
    return needs.post(db, need, caller.side)


@write.post("/need-drafts/{draft_id}/discard")
async def discard_draft(draft_id: UUID, seen: Seen, caller: RegionPerson, db: Session) -> DraftView:
    """Throw a draft away; this is the last that is seen of it."""
    draft = await _own(db, draft_id, caller.region, seen.version)
    await db.delete(draft)
    return view(draft)


@read.get("/need-drafts")
async def list_drafts(caller: RegionPerson, db: Session, page: Page) -> list[DraftView]:
    """The drafts of the caller's region, by id; `after` is the last id of the page before."""
    query = select(NeedDraftRow).where(NeedDraftRow.region == caller.region)
    return [view(row) for row in await page.of(db, query, NeedDraftRow.draft_id)]


@read.get("/need-drafts/{draft_id}")
async def get_draft(draft_id: UUID, caller: RegionPerson, db: Session) -> DraftView:
    """One draft of the caller's region."""
    return view(await _seen(db, draft_id, caller.region))


@read.get("/need-drafts/{draft_id}/advice")
async def advise_on_draft(draft_id: UUID, caller: RegionPerson, db: Session) -> tuple[Advice, ...]:
    """What a reader of this draft would miss. It can be posted as it is."""
    return advice(PartialNeed.model_validate((await _seen(db, draft_id, caller.region)).content))


@read.post("/needs/advice")
async def advise(content: PartialNeed, caller: RegionPerson) -> tuple[Advice, ...]:
    """What a reader of this text would miss. Nothing is kept, and nothing hinders its posting."""
    _filled(content)
    return advice(content)


def view(row: NeedDraftRow) -> DraftView:
    """A draft, for its region."""
    return DraftView.model_validate(row.model_dump())


def _filled(draft: PartialNeed) -> dict[str, Any]:
    content: dict[str, Any] = draft.model_dump(mode="json", exclude_none=True, exclude={"version"})
    if not content:
        raise invalid("body", "must say something of the need: fill in one field at least")
    if draft.language and draft.original:
        check_original(draft.language, Original(**draft.original.model_dump()))
    return content


async def _seen(db: Db, draft_id: UUID, region: str) -> NeedDraftRow:
    draft = await db.get(NeedDraftRow, draft_id)
    if draft is None or draft.region != region:
        raise not_found("draft")
    return draft


async def _own(db: Db, draft_id: UUID, region: str, seen: int) -> NeedDraftRow:
    """The draft, locked, if it is this region's, and still the one that the caller has read."""
    draft = await db.get(NeedDraftRow, draft_id, with_for_update=True)
    if draft is None or draft.region != region:
        need = await db.get(Need, draft_id)
        if need and need.region == region:
            raise conflict(no_draft_any_more(need_state(need.closed)))
        raise not_found("draft")
    check_version("draft", draft.version, seen)
    return draft
