"""No match is an answer: which needs came nearest to a proposal, and what kept them from being a match."""

from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from services.matching.access import readable_proposal
from services.matching.models import Miss, NeedCopy, ProposalCopy
from services.matching.pairs import Pairs, need_features, proposal_features
from services.matching.raising import raises
from services.matching.rules import Fit, nearest
from services.matching.scoring.combiner import Combiner
from services.matching.scoring.packing import unpacked
from shared.auth import CompanyOrCoordinator
from shared.db import Db
from shared.events import NearMiss, NoMatchFound
from shared.http import Session, queries
from shared.outbox import emit

read = queries()


class Near(NearMiss):
    """A need that came near, and what would have brought it nearer."""

    raised_by: tuple[str, ...] = ()
    """What would have raised the score, if it is so; empty for what was compared before this was kept."""


class Nearest(BaseModel):
    """The needs that came nearest to a proposal when it was compared last and answered none."""

    proposal_id: UUID
    version: int | None
    """The proposal's version that was compared; none, if each has had a match."""
    nearest: tuple[Near, ...]
    """Best first, at most five."""


@read.get("/proposals/{proposal_id}/nearest")
async def get_nearest(proposal_id: UUID, caller: CompanyOrCoordinator, db: Session) -> Nearest:
    """What came nearest to a proposal that answered no need, for its members and their coordinators."""
    await readable_proposal(db, proposal_id, caller)
    miss = await db.get(Miss, proposal_id)
    if miss is None:
        return Nearest(proposal_id=proposal_id, version=None, nearest=())
    return Nearest.model_validate(miss.model_dump())


async def note_miss(db: Db, proposal: ProposalCopy, fits: Pairs, combiner: Combiner) -> None:
    """Say once of each version of a proposal that it answers no need, and which came nearest."""
    found = nearest((key, fit) for key, (_, _, fit) in fits.items())
    near = tuple(_near(fits[key][0], fit) for key, fit in found.items())
    event = NoMatchFound(proposal_id=proposal.proposal_id, version=proposal.version, nearest=near)
    kept = [
        {**each.model_dump(mode="json"), "raised_by": _raised_by(fits[key][0], proposal, fit, combiner)}
        for each, (key, fit) in zip(near, found.items(), strict=True)
    ]
    row = insert(Miss).values(event.model_dump(mode="json") | {"nearest": kept})
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


def _raised_by(need: NeedCopy, proposal: ProposalCopy, fit: Fit, combiner: Combiner) -> list[str]:
    """In the platform's own words: whoever has the proposal does not read the need."""
    asked, offered = unpacked(need.prepared or b""), unpacked(proposal.prepared or b"")
    sides = need_features(need, asked.names), proposal_features(proposal, offered.names)
    return [change.words for change in raises(*sides, fit.signals, combiner)]
