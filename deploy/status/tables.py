"""What waits in a service's tables, read past the service: it may be down, and its rows wait all the same."""

import asyncio
from dataclasses import dataclass

import asyncpg

from shared.backlog import LETTERS, OUTBOX, oldest

PATIENCE = 3.0
"""Seconds that the database gets."""


@dataclass(frozen=True)
class Waiting:
    """Rows that wait, by what they wait for."""

    due: int
    later: int
    parked: int
    oldest_seconds: float
    """How late the oldest is that ought to be published."""
    retrying: dict[str, int]
    """Dead letters that are tried again, by topic."""
    left: dict[str, int]
    """Dead letters that are left to an operator, by topic."""


async def waiting(url: str) -> Waiting | None:
    """Look; None if the database does not answer.

    Args:
        url: of the service's own role, which sees its own schema.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            connection = await asyncpg.connect(url)
            try:
                rows, letters = await connection.fetch(OUTBOX), await connection.fetch(LETTERS)
            finally:
                await connection.close()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return None
    numbers = {row["state"]: row["number"] for row in rows}
    return Waiting(
        due=numbers.get("due", 0),
        later=numbers.get("waiting", 0),
        parked=numbers.get("parked", 0),
        oldest_seconds=oldest([row["age"] for row in rows]),
        retrying={row["topic"]: row["number"] for row in letters if row["state"] == "retrying"},
        left={row["topic"]: row["number"] for row in letters if row["state"] == "left"},
    )
