"""When the platform has settled: nothing waits to be published, read, matched or mailed."""

import time

from deploy.chaos.scene import AWAY, Scene
from deploy.status.tables import waiting as in_tables
from deploy.waiting import until

PATIENCE = 240.0
"""Seconds after which it will not settle any more."""
WAITING = {
    "to be matched": "select count(*) from matching.to_match",
    "to be mailed": "select count(*) from notify.delivery where state = 'queued' and not held and next_try <= now()",
}


async def settle(scene: Scene) -> float | None:
    """Seconds until everything was quiet, twice in a row; None: it never was."""
    begin, quiet = time.monotonic(), 0

    async def settled() -> bool:
        nonlocal quiet
        try:
            quiet = 0 if await waiting(scene) else quiet + 1
        except AWAY:
            quiet = 0
        return quiet > 1

    return time.monotonic() - begin if await until(settled, PATIENCE, 0.2) else None


async def waiting(scene: Scene) -> dict[str, int]:
    """What waits, and how many of it."""
    async with scene.database() as database:
        found = {what: await database.fetchval(query) for what, query in WAITING.items()}
    for service in scene.services:
        rows = await in_tables(scene.platform.database_url(scene.platform.manifest.services[service].role))
        if rows is None:
            raise ConnectionError("PostgreSQL does not answer")
        found[f"in the outbox of {service}"] = rows.due + rows.parked
        found[f"dead letters of {service} to be tried again"] = sum(rows.retrying.values())
    found |= {f"not read by {service}": lag for service, lag in (await scene.lag()).items()}
    return {what: number for what, number in found.items() if number}
