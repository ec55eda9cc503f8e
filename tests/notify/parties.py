"""A match with both its parties, as notify receives them, and what became of the mails."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
from sqlalchemy import text
from sqlmodel import col, select

from services.notify.handlers import events
from services.notify.models import Delivery
from services.notify.workers import send_next
from shared.db import Sessions
from shared.events import (
    ContactShared,
    Event,
    MatchAccepted,
    MatchEvent,
    MatchPresented,
    MatchReminded,
    NeedPosted,
    ProposalSubmitted,
)
from tests.facts import received


def person(name: str, **fields: Any) -> ContactShared:
    """Somebody to reach."""
    identity = {"contact_id": uuid4(), "mail": f"{uuid4().hex}@example.org", "phone": None, "language": "en"}
    return received(ContactShared, **identity | {"name": name} | fields)


@dataclass
class Parties:
    """A need's and a proposal's contact, and the facts of their match."""

    asks: ContactShared = field(default_factory=lambda: person("高艳玲", organisation="陕西生态环境厅"))
    offers: ContactShared = field(default_factory=lambda: person("An Peeters", organisation="Schelde Membranes"))
    match_id: UUID = field(default_factory=uuid4)

    def __post_init__(self) -> None:
        self.need = received(NeedPosted, need_id=uuid4(), title="渗滤液处理", contact_id=self.asks.contact_id)
        self.proposal = received(ProposalSubmitted, proposal_id=uuid4(), contact_id=self.offers.contact_id)

    def match(self, kind: type[MatchEvent], version: int, **fields: Any) -> Any:
        """A step of their match."""
        ids = {"need_id": self.need.need_id, "proposal_id": self.proposal.proposal_id, "match_id": self.match_id}
        return received(kind, version=version, **ids | fields)

    @property
    def people(self) -> tuple[Event, ...]:
        """Both contacts."""
        return self.asks, self.offers

    @property
    def presented(self) -> tuple[Event, ...]:
        """All up to the presentation, but for the contacts."""
        return self.need, self.proposal, self.match(MatchPresented, 2)

    @property
    def reminded(self) -> tuple[Event, ...]:
        """All that one mail to the region alone is made of, but for the contacts."""
        return self.need, self.proposal, self.match(MatchReminded, 3, state="presented", escalated=False)

    @property
    def accepted(self) -> tuple[Event, ...]:
        """All that an introduction is made of, but for the contacts."""
        return self.need, self.proposal, self.match(MatchAccepted, 3)


async def store(sessions: Sessions, *facts: Event) -> None:
    """Apply events as the consumer does: one transaction."""
    async with sessions() as db, db.begin():
        await events.apply(facts, db)


async def send_all(sessions: Sessions, now: datetime | None = None) -> None:
    """Send everything that is due, now or at another moment."""
    while await send_next(sessions, now):
        pass


def coordinator(organisation: str, **fields: Any) -> ContactShared:
    """Somebody at a province, Cleantech Flanders or FIT."""
    return person("Els Maes", coordinates=organisation, company_id=None, **fields)


async def let_waits_end(sessions: Sessions) -> None:
    """What time does to mails that failed."""
    async with sessions() as db, db.begin():
        await db.execute(text("update delivery set next_try = now() where state = 'queued'"))


async def states(sessions: Sessions, match: UUID) -> list[str]:
    """Where the mails of a match stand."""
    return sorted(each.state for each in await deliveries(sessions, match))


async def deliveries(sessions: Sessions, match: UUID) -> Sequence[Delivery]:
    """The mails of a match."""
    async with sessions() as db:
        return (await db.scalars(select(Delivery).where(col(Delivery.match_id) == match))).all()


async def said(sessions: Sessions, match: UUID) -> list[tuple[str, dict[str, Any]]]:
    """What notify said of a match, in order."""
    async with sessions() as db:
        query = text("select type, value from outbox where key = :key order by id")
        rows = (await db.execute(query, {"key": str(match)})).all()
    return [(kind, orjson.loads(value)) for kind, value in rows]
