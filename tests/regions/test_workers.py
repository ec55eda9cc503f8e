"""A need closes by itself once its last day is over."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlmodel import select

from deploy.waiting import until
from services.regions.models import Need, NeedVersion
from services.regions.workers import BATCH, close_overdue
from shared.db import Sessions
from shared.events import NeedFacts
from tests.browser import Browser, region_with_contact
from tests.factories import need_body
from tests.tables import superuser
from tests.topics import events_of

LAST_DAY = date.today() + timedelta(days=90)
THEN = datetime(LAST_DAY.year, LAST_DAY.month, LAST_DAY.day, tzinfo=UTC) + timedelta(days=1)


async def posted(made: Sessions, *deadlines: date | None, closed: bool = False) -> list[UUID]:
    """Needs with these deadlines; their ids."""
    needs = [
        Need(
            region="hebei",
            title="Lessons in etching",
            body="x",
            language="en",
            challenges=[6],
            contact_id=uuid4(),
            deadline=deadline,
            closed=closed,
        )
        for deadline in deadlines
    ]
    ids = [need.need_id for need in needs]
    async with made() as db, db.begin():
        db.add_all(needs)
    return ids


async def closed(made: Sessions) -> dict[UUID, str | None]:
    """The needs that are closed, and why."""
    async with made() as db:
        needs = await db.scalars(select(Need).where(Need.closed))
        return {need.need_id: need.closing for need in needs}


async def test_a_need_is_open_on_its_last_day_and_closed_on_the_next(alone: Sessions) -> None:
    (overdue, _, _) = await posted(alone, LAST_DAY, LAST_DAY + timedelta(days=1), None)
    assert not await close_overdue(alone, THEN - timedelta(seconds=1))
    assert await closed(alone) == {}
    assert await close_overdue(alone, THEN)
    assert await closed(alone) == {overdue: "deadline"}
    assert not await close_overdue(alone, THEN)


async def test_the_platform_closes_it_with_a_version_of_its_own(alone: Sessions) -> None:
    (overdue,) = await posted(alone, LAST_DAY)
    await close_overdue(alone, THEN)
    async with alone() as db:
        (version,) = (await db.scalars(select(NeedVersion).where(NeedVersion.id == overdue))).all()
        said = (await db.execute(text("select type, key from outbox"))).all()
    assert (version.version, version.type, version.by) == (2, "NeedClosed", "platform")
    assert (version.facts["closed"], version.facts["closing"]) == (True, "deadline")
    assert [tuple(each) for each in said] == [("NeedClosed", str(overdue))]


async def test_what_a_person_has_closed_keeps_its_reason(alone: Sessions) -> None:
    (mine,) = await posted(alone, LAST_DAY, closed=True)
    assert not await close_overdue(alone, THEN)
    assert await closed(alone) == {mine: None}


async def test_many_needs_are_closed_in_batches_by_several_at_once_and_each_only_once(alone: Sessions) -> None:
    ids = await posted(alone, *[LAST_DAY] * (2 * BATCH + 1))

    async def sweep() -> None:
        while await close_overdue(alone, THEN):
            pass

    await asyncio.gather(*(sweep() for _ in range(3)))
    assert (await closed(alone)).keys() == set(ids)
    async with alone() as db:
        versions = (await db.scalars(select(NeedVersion))).all()
    assert sorted(version.id for version in versions) == sorted(ids)


async def test_a_running_service_closes_what_is_overdue_by_itself(operator: Browser) -> None:
    region, contact = await region_with_contact(operator)
    need = await region.done("regions", "/v1/needs", need_body(contact))
    async with superuser(operator.platform) as connection:
        query = "update regions.need set deadline = current_date - 1 where need_id = $1"
        await connection.execute(query, need["need_id"])

    async def is_closed() -> bool:
        return bool((await region.read("regions", f"/v1/needs/{need['need_id']}")).json()["closed"])

    assert await until(is_closed, 30)
    *_, last = await events_of(operator.platform, NeedFacts, need["need_id"])
    assert (type(last).__name__, last.version) == ("NeedClosed", 2)
