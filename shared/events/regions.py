"""What regions says: needs."""

from datetime import date
from uuid import UUID

from shared.events.base import Event
from shared.vocabulary import Challenge, Language, Region


class NeedFacts(Event, topic="i2pcc.needs.v1", key="need_id", abstract=True):
    """A need as it stands."""

    need_id: UUID
    region: Region
    title: str
    body: str
    language: Language
    challenges: tuple[Challenge, ...]
    deadline: date | None = None
    contact_id: UUID
    closed: bool = False


class NeedPosted(NeedFacts):
    """A region opened a need for proposals."""


class NeedRevised(NeedFacts):
    """A region changed an open need. Its region never changes."""


class NeedClosed(NeedFacts):
    """A need takes no more proposals."""


NeedEvent = NeedPosted | NeedRevised | NeedClosed
