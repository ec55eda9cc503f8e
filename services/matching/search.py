"""The one query that finds candidates: what is open on the other side, shares a challenge and is nearest in meaning."""

from typing import Any

from sqlalchemy import Select, inspect, select
from sqlmodel import col

from services.matching.models import NeedCopy, ProposalCopy, Side
from shared.db import Db

CANDIDATES = 50


async def candidates(db: Db, side: Side) -> list[tuple[NeedCopy, ProposalCopy, float]]:
    """The counterparts of a need or a proposal, nearest first, with the cosine of the two titles.

    Only counterparts whose vector is of their newest text: the others are matched when theirs is.
    """
    if isinstance(side, NeedCopy):
        proposals = await db.execute(_nearest(ProposalCopy, side).where(~col(ProposalCopy.withdrawn)))
        return [(side, proposal, 1 - distance) for proposal, distance in proposals]
    needs = await db.execute(_nearest(NeedCopy, side).where(~col(NeedCopy.closed)))
    return [(need, side, 1 - distance) for need, distance in needs.tuples()]


def _nearest(other: type[Side], side: Side) -> Select[Any]:
    columns = inspect(other).columns
    distance = columns.embedding.cosine_distance(side.embedding)
    return (
        select(other, distance)
        .where(columns.embedded_version == columns.version, columns.challenges.overlap(side.challenges))
        .order_by(distance)
        .limit(CANDIDATES)
    )
