"""Everything is to be matched anew: after a new combiner, another model or another background."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from sqlalchemy import text

from shared.db import Sessions, connect, sessions
from shared.settings import Database

T = TypeVar("T")

BATCH = 500
"""Most rows of one transaction: a handler that has news of one of them waits no longer than that takes."""
FIRST = UUID(int=0)
# One kind at a time and by id, as the handlers write them: whoever writes the same rows does it in the same order.
NEXT = """
    with next as (
        select {kind}_id id, {trace} traceparent from {kind}
        where not {gone} and {kind}_id > :after order by {kind}_id limit :most
    ), added as (
        insert into to_match (id, kind, traceparent)
        select id, '{kind}', traceparent from next order by id
        on conflict (id) do update set kind = excluded.kind, version = excluded.version, leased_until = null
        where to_match.kind <> excluded.kind returning id
    )
    select (select count(*) from added), (select id from next order by id desc limit 1)
"""
OPEN = {
    "need": text(NEXT.format(kind="need", gone="closed", trace="traceparent")),
    "proposal": text(NEXT.format(kind="proposal", gone="withdrawn", trace="traceparent")),
    "company": text(NEXT.format(kind="company", gone="false", trace="null::text")),
}
"""What is compared: companies by their strongholds."""


async def rematch(sessions: Sessions, most: int = BATCH) -> int:
    """Put all open needs, live proposals and companies among what is to be matched.

    Those that wait already stay where they are, so that an interrupted call is gone on with by the next one; what
    is matched meanwhile by the service is matched once more then. A need for which a consortium is to be looked for
    is matched before that.

    Returns:
        How many were added.
    """
    added = 0
    for query in OPEN.values():
        after: UUID | None = FIRST
        while after:
            async with sessions() as db, db.begin():
                count, after = (await db.execute(query, {"after": after, "most": most})).one()
            added += count
    return added


async def on_tables(database: Database, work: Callable[[Sessions], Awaitable[T]]) -> T:
    """Do something with matching's tables, beside the service."""
    engine = connect(database, "matching command")
    try:
        return await work(sessions(engine))
    finally:
        await engine.dispose()


def told(added: int) -> str:
    """What was done, in a sentence."""
    return f"{added} needs, proposals and companies more wait; the service matches them, and says what changes."


if __name__ == "__main__":
    print(told(asyncio.run(on_tables(Database(), rematch))))
