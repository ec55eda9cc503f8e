"""What notify says: introductions."""

from uuid import UUID

from shared.events.base import Event


class IntroductionFacts(Event, topic="i2pcc.introductions.v1", key="match_id", abstract=True):
    """The introduction that a match led to."""

    match_id: UUID
    need_id: UUID
    proposal_id: UUID


class IntroductionMade(IntroductionFacts):
    """Both parties have each other's contact details."""


class IntroductionFailed(IntroductionFacts):
    """They could not be put in touch."""

    reason: str
    """In English."""


IntroductionEvent = IntroductionMade | IntroductionFailed
