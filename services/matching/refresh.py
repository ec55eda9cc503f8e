"""A new background: what scores are measured against is taken anew from what is open now."""

import asyncio

from sqlalchemy import text

from services.matching.rematch import on_tables, rematch
from shared.db import Sessions
from shared.settings import Database

MOST = 2_000
"""Texts of one side in one language: more change no mean, and each is compared with all of them when it is embedded."""
LEAST = 20
"""Fewer of a side say less than our own texts."""
LOCK = text("lock table background in share row exclusive mode")
# By a hash of the id: a sample that is the same each time, and of no one period.
TAKE = text(
    """
    with offered as (
        select 'need' as side, need_id as id, title, coalesce(body, '') as body, language from need where not closed
        union all
        select 'proposal', proposal_id, title, coalesce(body, ''), language from proposal where not withdrawn
    ), numbered as (
        select *, row_number() over (partition by side, language order by md5(id::text), id) as number,
            count(*) over (partition by side) as all_of_side
        from offered
    ), version as (
        select coalesce(max(version), 0) + 1 as version from background
    ), taken as (
        insert into background (version, side, id, title, body, language)
        select version, side, id, title, body, language from numbered, version
        where number <= :most and (select count(distinct side) = 2 and min(all_of_side) >= :least from numbered)
        returning version
    )
    select (select count(*) from taken), (select version from version)
    """
)
FORGET = text("delete from background where version < :version")


async def refresh(sessions: Sessions) -> str:
    """Take a new background, and have everything matched anew against it; what was done, in a sentence."""
    async with sessions() as db, db.begin():
        await db.execute(LOCK)
        taken, version = (await db.execute(TAKE, {"most": MOST, "least": LEAST})).one()
        if not taken:
            return f"Of one side there are fewer than {LEAST} texts: what comes with the platform stays in use."
        await db.execute(FORGET, {"version": version})
    waiting = await rematch(sessions)
    return f"Background {version} is of {taken} texts; {waiting} sides wait to be matched anew."


if __name__ == "__main__":
    print(asyncio.run(on_tables(Database(), refresh)))
