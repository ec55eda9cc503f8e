"""What regions says: needs."""

from datetime import date
from uuid import UUID

from shared.events.base import Event
from shared.vocabulary import Challenge, Language, Region


class NeedFacts(Event, topic="i2pcc.needs.v1", key="need_id", abstract=True):
    """A need as it stands."""

    need_id: UUID
    region: Region
    """Never changes."""
    title: str
    """At most 200 characters."""
    body: str
    """At most 8,000 characters."""
    language: Language
    """What title and body are written in."""
    challenges: tuple[Challenge, ...]
    """Each once, in ascending order."""
    deadline: date | None = None
    """Until when the region hopes for proposals; passing it closes nothing."""
    contact_id: UUID
    """Whom to introduce: a person told as ContactShared."""
    closed: bool = False
    """Final: the need takes no more proposals."""


class NeedPosted(NeedFacts):
    """A region opened a need for proposals."""


class NeedRevised(NeedFacts):
    """A region changed an open need. Its region never changes."""


class NeedClosed(NeedFacts):
    """A need takes no more proposals."""


NeedEvent = NeedPosted | NeedRevised | NeedClosed
