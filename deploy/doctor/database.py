"""The database: that it lets each service in, is as the services need it, and what waits there."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from deploy.doctor.finding import Finding
from deploy.embedded.platform import Platform
from deploy.embedded.secrets import SUPERUSER
from deploy.provision.run import newest
from deploy.settings import SERVICES
from shared.db import Driver

SKEW = timedelta(seconds=5)
STUCK = "select count(*) from {service}.outbox where created_at < now() - interval '1 minute' and parked_until is null "
STUCK += "and (not_before is null or not_before < now() - interval '1 minute')"
PARKED = "select type, key, error from {service}.outbox where parked_until is not null order by id limit 1"
LETTERS = "select count(*) from {service}.dead_letter where next_try is null"
UNSEALED = (
    "select count(*) from {service}.audit_unsealed join {service}.audit on id = audit_id "
    "where at < now() - interval '1 minute'"
)
MAILS = "select count(*), max(error) from notify.delivery where state = 'queued' and tries > 0"
BOUNCED = "select count(*) from notify.contact where mail = refused"


async def reach(platform: Platform) -> AsyncIterator[Finding]:
    """Whether PostgreSQL answers, and lets each service's role in by its password."""
    for role in (SUPERUSER, *(platform.manifest.services[name].role for name in SERVICES)):
        try:
            connection: Any = await asyncio.wait_for(asyncpg.connect(platform.database_url(role)), 5)
            await connection.close()
        except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError):
            what = f"It refuses the password of {role} that the state folder has."
            yield Finding("postgres", what, "i2pcc down && i2pcc up give the roles theirs; if not, i2pcc rotate.")
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            what = f"It does not answer {role}: {type(error).__name__}."
            yield Finding("postgres", what, f"i2pcc up; why is in {platform.processes.logs / 'postgres.log'}")
            return


async def schemas(connection: Driver, name: str) -> AsyncIterator[Finding]:
    """Whether a service's tables are those that this version needs."""
    if not await connection.fetchval("select to_regclass($1)", f"{name}.alembic_version"):
        yield Finding(name, "Its schema has no table of migrations.", "i2pcc down && i2pcc up")
        return
    at = await connection.fetchval(f"select version_num from {name}.alembic_version")
    if at != newest(name):
        what = f"Its schema is at migration {at}, and not at {newest(name)}."
        yield Finding(name, what, "i2pcc down && i2pcc up run what is missing; a newer one is of a newer version.")


async def clocks(connection: Driver, now: datetime | None = None) -> AsyncIterator[Finding]:
    """Deadlines go by the database's clock, tokens by the machine's."""
    before = now or datetime.now(UTC)
    skew = await connection.fetchval("select clock_timestamp()") - before
    if abs(skew) > SKEW:
        what = (
            f"Its clock is {abs(skew).total_seconds():.0f} s {'ahead of' if skew > SKEW else 'behind'} this machine's."
        )
        yield Finding("postgres", what, "Have both follow NTP: timedatectl set-ntp true")


async def waiting(connection: Driver, name: str) -> AsyncIterator[Finding]:
    """What a service has not said, could not apply, or has not sealed."""
    if parked := await connection.fetchrow(PARKED.format(service=name)):
        what = f"{parked['type']} of {parked['key']} cannot be published: {parked['error']}."
        yield Finding(name, what, "See i2pcc doctor's findings on Kafka; it is tried again each 30 s.")
    if count := await connection.fetchval(STUCK.format(service=name)):
        yield Finding(name, f"{count} events have waited to be published for a minute.", "See whether kafka runs.")
    if count := await connection.fetchval(LETTERS.format(service=name)):
        what = f"{count} dead letters are not tried again."
        yield Finding(name, what, f"i2pcc dlq list --service {name}; then i2pcc dlq retry, or drop.")
    if count := await connection.fetchval(UNSEALED.format(service=name)):
        yield Finding(
            name, f"{count} rows of its audit log have waited to be sealed for a minute.", "i2pcc audit verify"
        )


async def mails(connection: Driver) -> AsyncIterator[Finding]:
    """What could not be sent, and whom no mail reaches."""
    count, error = await connection.fetchrow(MAILS) or (0, "")
    if count:
        what = f"{count} mails could not be sent yet: {error}."
        yield Finding("notify", what, "See I2PCC_MAIL_HOST and I2PCC_MAIL_PORT; they are tried again by themselves.")
    if count := await connection.fetchval(BOUNCED):
        what = f"The addresses of {count} people were refused by their mail server."
        yield Finding("notify", what, "Their side shares another address: select contact_id from notify.contact …")
