"""A notify that is killed as it applies a dead letter has applied it once when it is back, or still has it."""

from collections.abc import Callable

import asyncpg
from sqlalchemy import text

from deploy.embedded.platform import Platform
from deploy.embedded.processes import Processes
from deploy.waiting import until
from shared.db import Sessions
from shared.deadletters import bury
from shared.events import MatchPresented
from tests.facts import received
from tests.notify.conftest import ROLE
from tests.notify.parties import deliveries
from tests.notify.test_kills import BLOCKED, program
from tests.shared.trial import message

LETTERS = "select count(*) from dead_letter"
DUE = "update dead_letter set next_try = now(), tries = 0"


async def test_a_letter_whose_service_is_killed_after_its_commit_is_applied_once(
    alone: Sessions, platform: Platform, second_database: Callable[[str], str], processes: Processes
) -> None:
    event = received(MatchPresented)
    async with alone() as db, db.begin():
        await db.execute(text("delete from dead_letter"))
        await bury(db, message(event).record(0), LookupError("no such thing"), MatchPresented)
        await db.execute(text(DUE))

    async def waits() -> bool:
        async with alone() as db:
            return bool(await db.scalar(text(BLOCKED)))

    async def letters() -> int:
        async with alone() as db:
            return int(await db.scalar(text(LETTERS)) or 0)

    async def is_empty() -> bool:
        return await letters() == 0

    made = program(platform, second_database(ROLE), mail_port=1)
    connection = await asyncpg.connect(second_database(ROLE))
    async with connection.transaction():
        await connection.execute("lock table dead_letter in share mode")
        processes.start(made)
        assert await until(waits, 60), processes.tail("notify")
        assert len(await deliveries(alone, event.match_id)) == 2, "its transaction was committed"
        processes.kill("notify")
    await connection.close()
    assert await letters() == 1
    processes.start(made)
    assert await until(is_empty, 60), processes.tail("notify")
    assert len(await deliveries(alone, event.match_id)) == 2
