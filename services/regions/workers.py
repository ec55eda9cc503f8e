"""What regions does by itself: a need is closed once its deadline has passed."""

from datetime import datetime

from sqlmodel import col, func, select

from services.regions.models import Need
from services.regions.needs import PLATFORM, close
from shared.db import Sessions
from shared.events import Closing

BATCH = 50
"""Most needs of one transaction, so that nobody waits long for one of them."""


async def close_overdue(sessions: Sessions, now: datetime | None = None) -> bool:
    """Close open needs whose last day is over; whether there were any.

    Args:
        sessions: on regions' tables.
        now: the time to go by; the database's if it is left out.
    """
    today = now.date() if now else func.current_date()
    overdue = (
        select(Need)
        .where(col(Need.closed).is_(False), col(Need.deadline) < today)
        .order_by(col(Need.deadline), col(Need.need_id))
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    async with sessions() as db:
        needs = (await db.scalars(overdue)).all()
        for need in needs:
            close(db, need, Closing.DEADLINE, PLATFORM)
        if needs:
            await db.commit()
    return bool(needs)
