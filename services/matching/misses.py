"""No match is an answer: which needs came nearest to a proposal, and what kept them from being a match."""

from collections.abc import Mapping
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from services.matching.access import readable_proposal
from services.matching.models import Miss, NeedCopy, ProposalCopy
from services.matching.rules import Fit, nearest
from shared.auth import CompanyOrCoordinator
from shared.db import Db
from shared.events import NearMiss, NoMatchFound
from shared.http import Session, queries
from shared.outbox import emit

read = queries()


class Nearest(BaseModel):
    """The needs that came nearest to a proposal when it was compared last and answered none."""

    proposal_id: UUID
    version: int | None
    """The proposal's version that was compared; none, if each has had a match."""
    nearest: tuple[NearMiss, ...]
    """Best first, at most five."""


@read.get("/proposals/{proposal_id}/nearest")
async def get_nearest(proposal_id: UUID, caller: CompanyOrCoordinator, db: Session) -> Nearest:
    """What came nearest to a proposal that answered no need, for its members and their coordinators."""
    await readable_proposal(db, proposal_id, caller)
    miss = await db.get(Miss, proposal_id)
    if miss is None:
        return Nearest(proposal_id=proposal_id, version=None, nearest=())
    return Nearest.model_validate(miss.model_dump())


async def note_miss(db: Db, proposal: ProposalCopy, fits: Mapping[UUID, tuple[NeedCopy, ProposalCopy, Fit]]) -> None:
    """Say once of each version of a proposal that it answers no need, and which came nearest."""
    found = [_near(fits[key][0], fit) for key, fit in nearest((key, fit) for key, (_, _, fit) in fits.items()).items()]
    event = NoMatchFound(proposal_id=proposal.proposal_id, version=proposal.version, nearest=tuple(found))
    row = insert(Miss).values(event.model_dump(mode="json"))
    newer = row.on_conflict_do_update(
        index_elements=["proposal_id"],
        set_={"version": row.excluded.version, "nearest": row.excluded.nearest},
        where=col(Miss.version) < row.excluded.version,
    )
    if await db.scalar(newer.returning(col(Miss.version))):
        emit(db, event)


def _near(need: NeedCopy, fit: Fit) -> NearMiss:
    return NearMiss.model_validate(
        {
            "need_id": need.need_id,
            "region": need.region,
            "challenges": fit.challenges,
            "score": fit.score,
            "failed": fit.failed,
        }
    )
