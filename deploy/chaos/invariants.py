"""What must be true when a fault is over: topics, tables and mailbox, held against the ledger."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import httpx
from aiokafka import ConsumerRecord

from deploy.chaos.ledger import Ledger
from deploy.chaos.load import made_by
from deploy.chaos.scene import Connection, Places, Scene
from shared.bus import decode
from shared.deadletters import Invalid
from shared.events import Event

PROJECTIONS = {
    "i2pcc.proposals.v1": ("proposal_id", ("intake.proposal", "matching.proposal", "notify.proposal")),
    "i2pcc.needs.v1": ("need_id", ("regions.need", "matching.need", "notify.need")),
    "i2pcc.matches.v1": ("match_id", ("matching.match", "regions.match", "notify.match")),
}
"""By topic its key, and the tables that must hold each aggregate at its last version."""
LETTERS = "select count(*) from {service}.dead_letter"
SENT = "select delivery_id from notify.delivery where state = 'sent' and not held"
Aggregate = tuple[str, str]
"""A topic and a key."""


@dataclass(frozen=True)
class Before:
    """How things stood when the load began."""

    ends: Places
    letters: Mapping[str, int]
    mailed: frozenset[str]

    @classmethod
    async def of(cls, scene: Scene) -> "Before":
        """Look now."""
        async with scene.database() as database:
            return cls(await scene.ends(), await _letters(scene, database), frozenset(await _mailed(database)))


@dataclass
class Findings:
    """What was found."""

    lost: list[str] = field(default_factory=list)
    """Commands that were acknowledged, and have no effect somewhere."""
    doubled: list[str] = field(default_factory=list)
    """What happened twice that was to happen once."""
    wrong: list[str] = field(default_factory=list)
    """Everything else that must not be."""
    copies: int = 0
    """Mails that came more than once under one Message-ID: no harm, and no secret."""

    @property
    def all(self) -> list[str]:
        """In words."""
        return [*(f"lost: {each}" for each in self.lost), *(f"doubled: {each}" for each in self.doubled), *self.wrong]


async def check(scene: Scene, before: Before, found: Findings) -> None:
    """Hold everything against the ledger.

    Args:
        scene: the platform, settled.
        before: how things stood when the load began.
        found: where what is found is added.
    """
    told = _told(await scene.records(before.ends))
    effects(scene.ledger, told, found)
    for aggregate, events in told.items():
        versions_of(aggregate, events, found)
    async with scene.database() as database:
        await _projections(database, told, found)
        await _dead_letters(scene, database, before, found)
        await _mails(scene, await _mailed(database) - before.mailed, found)


def _told(records: Sequence[ConsumerRecord]) -> dict[Aggregate, list[Event]]:
    """By aggregate what was said of it, in order; what can't be read was put in as poison."""
    told = defaultdict(list)
    for record in records:
        try:
            event = decode(record)
        except Invalid:
            continue
        if record.topic in PROJECTIONS:
            told[record.topic, event.key_text()].append(event)
    return told


def effects(ledger: Ledger, told: Mapping[Aggregate, Sequence[Event]], found: Findings) -> None:
    """What was acknowledged was told of, once."""
    for command in ledger.commands:
        if command.refused:
            found.wrong.append(f"command {command.number} was refused with {command.status}")
    for command in ledger.acknowledged:
        events = told.get((command.topic, str(command.id)), ())
        if command.version not in {_version(event) for event in events}:
            found.lost.append(f"command {command.number}, {command.path}: no event of {command.id} v{command.version}")
    made = Counter(filter(None, (made_by(events[0]) for events in told.values())))
    for number, times in made.items():
        if times > 1:
            found.doubled.append(f"command {number} made {times} things")


def versions_of(aggregate: Aggregate, events: Sequence[Event], found: Findings) -> None:
    """Each version is told of by one event, in order and without gap; copies of an event are copies."""
    ids = defaultdict(set)
    for event in events:
        ids[_version(event)].add(event.envelope.id)
    firsts = list(ids)
    for version, events_of in ids.items():
        if len(events_of) > 1:
            found.doubled.append(f"{len(events_of)} events of {aggregate[0]} {aggregate[1]} v{version}")
    if firsts != list(range(firsts[0], firsts[0] + len(firsts))):
        found.wrong.append(f"{aggregate[0]} {aggregate[1]} has the versions {firsts}")


async def _projections(database: Connection, told: Mapping[Aggregate, Sequence[Event]], found: Findings) -> None:
    for topic, (key, tables) in PROJECTIONS.items():
        last = {name: max(map(_version, events)) for (of, name), events in told.items() if of == topic}
        for table in tables:
            query = f"select {key}::text id, version from {table} where {key} = any($1::uuid[])"
            held = {row["id"]: row["version"] for row in await database.fetch(query, list(last))}
            for name, version in last.items():
                if held.get(name) != version:
                    found.lost.append(f"{table} has {name} at {held.get(name)}, the topic at {version}")


async def _dead_letters(scene: Scene, database: Connection, before: Before, found: Findings) -> None:
    for service, letters in (await _letters(scene, database)).items():
        new, poison = letters - before.letters[service], scene.poison[service]
        if new != poison:
            found.wrong.append(f"{service} has {new} new dead letters, for {poison} poisoned records")


async def _letters(scene: Scene, database: Connection) -> dict[str, int]:
    return {service: await database.fetchval(LETTERS.format(service=service)) for service in scene.services}


async def _mailed(database: Connection) -> set[str]:
    """The Message-IDs of what notify says it has sent, each mail by itself."""
    return {f"<{row['delivery_id']}@i2pcc.local>" for row in await database.fetch(SENT)}


async def _mails(scene: Scene, mailed: set[str], found: Findings) -> None:
    """Each Message-ID that notify says was sent is there."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        caught = (await http.get(f"{scene.platform.urls['mailbox']}/messages")).json()
    came = Counter(mail["message_id"] for mail in caught)
    found.wrong.extend(f"no mail {each} came" for each in sorted(mailed - came.keys()))
    found.copies = sum(came[each] - 1 for each in mailed if came[each])


def _version(event: Event) -> int:
    return int(event.version)
