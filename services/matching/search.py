"""The one query that finds candidates: what is open on the other side, shares a challenge and is nearest in meaning."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, inspect, or_, select
from sqlalchemy.orm import defer
from sqlmodel import col

from services.matching.models import NeedCopy, ProposalCopy, Side
from shared.db import Db

CANDIDATES = 50

Near = tuple[NeedCopy, ProposalCopy, float]
"""A need, a proposal, and the cosine of their titles."""


async def candidates(db: Db, side: Side, held: Collection[UUID]) -> list[Near]:
    """The counterparts of a need or a proposal with the cosine of the two titles: those it holds, then the nearest.

    Of the others only what is open and whose vector is of its newest text: the rest are matched when theirs is.
    They stay as they are until this transaction ends. Who is being changed right now is left out, held or not: its
    own worker comes later and sees this side.
    """
    if isinstance(side, NeedCopy):
        proposals = await db.execute(_nearest(ProposalCopy, ProposalCopy.withdrawn, side, held))
        return [(side, proposal, 1 - distance) for proposal, distance in proposals]
    needs = await db.execute(_nearest(NeedCopy, NeedCopy.closed, side, held))
    return [(need, side, 1 - distance) for need, distance in needs]


def _nearest(other: type[Side], gone: bool, side: Side, held: Collection[UUID]) -> Select[Any]:
    key, columns = inspect(other).primary_key[0], inspect(other).columns
    distance = func.coalesce(columns.embedding.cosine_distance(side.embedding), 1)
    fresh = columns.embedded_version == columns.version
    return (
        select(other, distance)
        .options(defer(other.embedding))
        .where(or_(key.in_(held), and_(~col(gone), fresh, columns.challenges.overlap(side.challenges))))
        .order_by(key.in_(held).desc(), distance)
        .limit(CANDIDATES + len(held))
        .with_for_update(read=True, skip_locked=True)
    )
