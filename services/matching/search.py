"""The one query that finds candidates: what is open on the other side, shares a challenge and is nearest in meaning."""

from collections.abc import Collection
from typing import TypeVar
from uuid import UUID

from sqlalchemy import inspect, select, text
from sqlalchemy.orm import defer

from services.matching.models import NeedCopy, ProposalCopy, Side
from services.matching.scoring.background import Vector
from shared.db import Db

CANDIDATES = 50
THOROUGH = text(
    "select set_config('hnsw.ef_search', '400', true), set_config('hnsw.iterative_scan', 'relaxed_order', true)"
)
"""How far the index looks: 99 of 100 of the truly nearest are found, and as many as asked for."""
Copy = TypeVar("Copy", NeedCopy, ProposalCopy)

Near = tuple[NeedCopy, ProposalCopy]


async def candidates(db: Db, side: Side, asked: Vector, held: Collection[UUID]) -> list[Near]:
    """The counterparts of a need or a proposal: those it holds, and the nearest of the others.

    Of the others only what is open and whose newest text was prepared against the same background: the rest are
    matched when theirs is. They stay as they are until this transaction ends. Who is being changed right now is left
    out, held or not: its own worker comes later and sees this side.

    Args:
        db: the transaction.
        side: whose counterparts are sought.
        asked: see scoring.packing.question.
        held: the counterparts that it has matches with.
    """
    if isinstance(side, NeedCopy):
        return [(side, proposal) for proposal in await _found(db, ProposalCopy, side, asked, held)]
    return [(need, side) for need in await _found(db, NeedCopy, side, asked, held)]


async def _found(db: Db, other: type[Copy], side: Side, asked: Vector, held: Collection[UUID]) -> list[Copy]:
    key, columns = inspect(other).primary_key[0], inspect(other).columns
    nearest = (
        select(other)
        .where(columns.open, columns.background == side.background)
        .where(columns.challenges.overlap(side.challenges), key.not_in(held))
        .order_by(columns.embedding.max_inner_product(asked))
        .limit(CANDIDATES)
    )
    await db.execute(THOROUGH)
    found: list[Copy] = []
    for query in [select(other).where(key.in_(held)), nearest] if held else [nearest]:
        locked = query.options(defer(other.embedding)).with_for_update(read=True, skip_locked=True)
        found.extend((await db.scalars(locked)).all())
    return found
