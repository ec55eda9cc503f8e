"""A notify that is killed between the mail server's yes and its commit sends at most one copy more for each kill."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import text

from deploy.embedded.platform import Platform
from deploy.embedded.processes import Processes, Program
from deploy.settings import free_ports
from deploy.waiting import until
from shared.db import Sessions
from tests.notify.conftest import ROLE
from tests.notify.parties import Parties, said, states, store
from tests.notify.post import PostOffice

KILLS = 4
BLOCKED = "select exists (select from pg_stat_activity where wait_event_type = 'Lock' and application_name = 'notify')"


class Holding(PostOffice):
    """Says yes only once no transaction can write a delivery: who sent the mail waits as it commits."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.kills = KILLS
        self.killed = asyncio.Event()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """aiosmtpd calls it by this name."""
        answer = await super().handle_DATA(server, session, envelope)
        if self.kills:
            self.kills -= 1
            held = asyncio.Event()
            self.holding = asyncio.create_task(self._hold(held))
            await held.wait()
        return answer

    async def _hold(self, held: asyncio.Event) -> None:
        """Keep every delivery as it is until the sender has been killed."""
        connection = await asyncpg.connect(self.url)
        try:
            async with connection.transaction():
                await connection.execute("lock table delivery in share mode")
                held.set()
                await self.killed.wait()
                self.killed.clear()
        finally:
            await connection.close()


def program(platform: Platform, url: str, mail_port: int) -> Program:
    """A real notify on tables of its own. It finds no Kafka, and needs none: its events were stored before."""
    (port,) = free_ports(1)
    environment = platform.environment("notify") | {
        "I2PCC_DATABASE_URL": url,
        "I2PCC_KAFKA_SERVERS": "127.0.0.1:1",
        "I2PCC_NOTIFY_PORT": str(port),
        "I2PCC_MAIL_PORT": str(mail_port),
    }
    return Program("notify", (sys.executable, "-m", "services.notify.app"), port, environment)


@asynccontextmanager
async def restarted_after_kills(
    office: Holding, sessions: Sessions, processes: Processes, made: Program
) -> AsyncIterator[None]:
    """Run notify; each time a mail was taken and waits for its commit, kill it as a crash would, and start it again."""

    async def waits() -> bool:
        async with sessions() as db:
            return bool(await db.scalar(text(BLOCKED)))

    for _ in range(KILLS):
        processes.start(made)
        assert await until(waits, 60), processes.tail("notify")
        processes.kill("notify")
        office.killed.set()
        await office.holding
    processes.start(made)
    yield
    processes.kill("notify")


async def test_each_kill_costs_at_most_one_copy_under_the_same_id(
    alone: Sessions, platform: Platform, second_database: Callable[[str], str], processes: Processes
) -> None:
    url = second_database(ROLE)
    office, parties = Holding(url), Parties()
    await store(alone, *parties.people, *parties.accepted)

    async def introduced() -> bool:
        return await states(alone, parties.match_id) == ["sent", "sent"]

    async with office.open() as port, restarted_after_kills(office, alone, processes, program(platform, url, port)):
        assert await until(introduced, 60), processes.tail("notify")
    ids = {to: {mail["Message-ID"] for seen, mail in office.seen if seen == to} for to, _ in office.seen}
    assert set(ids) == {parties.asks.mail, parties.offers.mail}
    assert [len(same) for same in ids.values()] == [1, 1]
    assert len(office.seen) == 2 + KILLS
    assert [kind for kind, _ in await said(alone, parties.match_id)] == ["IntroductionMade"]
