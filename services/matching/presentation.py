"""From which score an organisation's matches go to their regions without a coordinator's word."""

from collections.abc import Iterable, Mapping
from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, Field
from sqlmodel import col, select

from services.matching.models import Presentation
from services.matching.rules import THRESHOLD
from shared import audit
from shared.auth import Caller, Coordinator
from shared.db import Db
from shared.http import Draft, Session, commands, queries
from shared.problems import Problem, conflict
from shared.vocabulary import Province

write = commands()
read = queries()


class Presenting(BaseModel):
    """What holds for an organisation's matches: version 0 is what holds before anybody has said anything."""

    organisation: str
    version: int
    threshold: float | None
    """The least score, 0 to 1, that is presented at once; none: the coordinator shortlists each."""


class PresentingDraft(Draft):
    """What is to hold from now on. `version` is the one that the caller has read."""

    version: int
    threshold: Annotated[float, Field(ge=0, le=1)] | None


async def _deciding(caller: Coordinator) -> Caller:
    if not caller.writes_for:
        raise Problem(403, "Not allowed", "Only a coordinator who decides on matches may do this; FIT reads them.")
    return caller


Deciding = Annotated[Caller, Depends(_deciding)]


@read.get("/presentation")
async def get_presentation(caller: Deciding, db: Session) -> Presenting:
    """From which score the matches of the caller's organisation are presented at once."""
    return _shown(str(caller.organisation), await db.get(Presentation, caller.organisation))


@write.put("/presentation")
async def set_presentation(draft: PresentingDraft, caller: Deciding, db: Session) -> Presenting:
    """Change it. It holds for what is found or revised from now on; what waits goes on waiting."""
    name = str(caller.organisation)
    held = await db.get(Presentation, name, with_for_update=True)
    now = _shown(name, held)
    if now.version != draft.version:
        raise conflict(f"This is at version {now.version}, you have seen {draft.version}; read it again first.")
    kept = held or Presentation(organisation=name, version=0, threshold=None)
    kept.threshold, kept.version = draft.threshold, now.version + 1
    db.add(kept)
    audit.about(db, "Presentation", name)
    return _shown(name, kept)


async def thresholds(db: Db, provinces: Iterable[str]) -> Mapping[str, float | None]:
    """The least score that is presented at once, by the lead's province."""
    names = {province: Province(province).coordinator for province in provinces}
    rows = await db.scalars(select(Presentation).where(col(Presentation.organisation).in_(names.values())))
    said = {row.organisation: row.threshold for row in rows}
    return {province: said.get(name, THRESHOLD) for province, name in names.items()}


def _shown(name: str, held: Presentation | None) -> Presenting:
    if held is None:
        return Presenting(organisation=name, version=0, threshold=THRESHOLD)
    return Presenting.model_validate(held.model_dump())
