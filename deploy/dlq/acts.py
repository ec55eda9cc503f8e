"""What an operator does to dead letters. Each service's are one transaction with their row of the audit log.

To retry is to make a letter due: the service's own consumer applies it, with its checks and its rights, so that a
command that is killed has lost nothing.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import TextClause, text
from sqlalchemy.exc import DBAPIError

from deploy.dlq.letters import Choice, Letter, letters
from deploy.embedded.platform import Platform
from deploy.problems import Problem
from deploy.running import tables
from deploy.waiting import until
from shared.audit import record
from shared.db import Sessions, is_contention
from shared.vocabulary import Role

DUE = text("update dead_letter set tries = 0, next_try = now() where id = any(cast(:ids as bigint[]))")
DROP = text("delete from dead_letter where id = any(cast(:ids as bigint[]))")
MOST = 500
"""Letters of one transaction, and of one row of the audit log."""


@dataclass
class Outcome:
    """What became of letters that were made due, by their names."""

    applied: list[str] = field(default_factory=list)
    failed: list[Letter] = field(default_factory=list)
    """As they are after the new try."""
    waiting: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    """The services that do not run, and so try nothing."""

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(*(mine + theirs for mine, theirs in zip(vars(self).values(), vars(other).values(), strict=True)))


async def find(platform: Platform, chosen: Choice) -> list[Letter]:
    """The letters that are meant, the longest put aside first.

    Raises:
        Problem: one that was named is not there.
    """
    found: list[Letter] = []
    for service in chosen.services:
        async with tables(platform, service, "dlq") as sessions, sessions() as db:
            found += await letters(db, service, chosen)
    missing = {f"{service}/{id}" for service, ids in chosen.ids.items() for id in ids} - {each.name for each in found}
    if missing:
        hint = "It may have been applied meanwhile. See: i2pcc dlq list"
        raise Problem(f"There is no dead letter {', '.join(sorted(missing))} that is like that.", hint)
    return sorted(found, key=lambda letter: letter.buried_at)


async def retry(platform: Platform, found: Sequence[Letter], subject: str, seconds: float) -> Outcome:
    """Have the services try these letters now; wait until they have, or until some seconds have passed."""
    done = [_retry(platform, service, mine, subject, seconds) for service, mine in _by_service(found)]
    return sum(await asyncio.gather(*done), Outcome())


async def drop(platform: Platform, found: Sequence[Letter], subject: str, reason: str) -> int:
    """Give these letters up; how many there still were. Where their records are, and why, stays in the audit log."""
    count = 0
    for service, mine in _by_service(found):
        async with tables(platform, service, "dlq") as sessions:
            for some in _portions(mine):
                count += await _act(sessions, service, some, subject, DROP, "dlq drop", ("reason", reason))
    return count


async def _retry(platform: Platform, service: str, mine: Sequence[int], subject: str, seconds: float) -> Outcome:
    async with tables(platform, service, "dlq") as sessions:

        async def settled() -> bool:
            async with sessions() as db:
                return all(letter.tries for letter in await letters(db, service, _just(service, mine)))

        for some in _portions(mine):
            await _act(sessions, service, some, subject, DUE, "dlq retry")
        runs = platform.process(service) is not None
        if runs:
            await until(settled, seconds)
        async with sessions() as db:
            left = {letter.id: letter for letter in await letters(db, service, _just(service, mine))}
    return Outcome(
        applied=[f"{service}/{number}" for number in mine if number not in left],
        failed=[letter for letter in left.values() if letter.tries],
        waiting=[letter.name for letter in left.values() if not letter.tries],
        stopped=[] if runs else [service],
    )


def _by_service(found: Sequence[Letter]) -> list[tuple[str, list[int]]]:
    names = dict.fromkeys(letter.service for letter in found)
    return [(name, [letter.id for letter in found if letter.service == name]) for name in names]


def _just(service: str, ids: Sequence[int]) -> Choice:
    return Choice(ids={service: list(ids)})


def _portions(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[first : first + MOST] for first in range(0, len(ids), MOST)]


async def _act(
    sessions: Sessions,
    service: str,
    ids: Sequence[int],
    subject: str,
    act: TextClause,
    name: str,
    *why: tuple[str, str],
) -> int:
    """Do this to those that are still there, and note who did; how many they were."""
    try:
        async with sessions() as db, db.begin():
            held = await letters(db, service, _just(service, ids), lock=True)
            if held:
                await db.execute(act, {"ids": [letter.id for letter in held]})
                objects = [*why, *(each for letter in held for each in _objects(letter))]
                record(db, subject, name, objects, role=Role.OPERATOR)
            return len(held)
    except DBAPIError as error:
        if is_contention(error):
            raise Problem(f"{service} is trying one of these letters just now.", "Say it again in a moment.") from error
        raise


def _objects(letter: Letter) -> list[tuple[str, str]]:
    """What the audit log says of a letter: enough to find its record, and what it was about."""
    event = [(letter.type, str(letter.about))] if letter.type and letter.about else []
    return [("dead_letter", letter.name), ("record", letter.place), *event]
