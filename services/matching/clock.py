"""What the platform does about a region that stays silent: a sweep takes the steps whose day has come."""

from datetime import datetime

from sqlmodel import col, func, select

from services.matching.models import Match
from services.matching.steps import tick
from shared.db import Sessions
from shared.telemetry import step

BATCH = 50
"""Most matches of one transaction."""


async def sweep(sessions: Sessions, now: datetime | None = None) -> bool:
    """Take one step of each match whose time has come; one that is late takes its next ones in the next calls.

    Returns:
        Whether there may be more.
    """
    async with sessions() as db:
        ripe = select(Match).where(col(Match.due_at) <= (now or func.now())).order_by(col(Match.due_at)).limit(BATCH)
        matches = (await db.scalars(ripe.with_for_update(skip_locked=True))).all()
        for match in matches:
            with step(f"match {match.due_step}", match.traceparent, match_id=str(match.match_id)):
                tick(db, match)
        if matches:
            await db.commit()
    return bool(matches)
