"""The combiner in use: the one that the answers taught, else the shipped one."""

from dataclasses import replace
from typing import Any

from sqlalchemy import insert, text
from sqlmodel import col, select, update

from services.matching.models import LearnedCombiner
from services.matching.scoring.combiner import SHIPPED, Combiner
from shared.db import Db


async def current(db: Db) -> Combiner:
    """What scores are made with now."""
    row = await db.scalar(select(LearnedCombiner).where(col(LearnedCombiner.active)))
    return Combiner(f"learned-{row.version}", row.bias, row.weights) if row else SHIPPED


async def adopt(db: Db, combiner: Combiner, figures: dict[str, Any]) -> Combiner:
    """Make scores with this one from now on; the earlier ones stay, to be read and gone back to."""
    # Of two that were trained at the same moment the later one stays.
    await db.execute(text("lock table combiner in share row exclusive mode"))
    await db.execute(update(LearnedCombiner).where(col(LearnedCombiner.active)).values(active=False))
    values = {"bias": combiner.bias, "weights": dict(combiner.weights), "figures": figures, "active": True}
    version = await db.scalar(insert(LearnedCombiner).values(values).returning(col(LearnedCombiner.version)))
    return replace(combiner, version=f"learned-{version}")
