"""What notify says: introductions."""

from uuid import UUID

from shared.events.base import Event


class _Introduction(Event, topic="i2pcc.introductions.v1", key="match_id", abstract=True):
    match_id: UUID
    need_id: UUID
    proposal_id: UUID


class IntroductionMade(_Introduction):
    """Both parties have each other's contact details."""


class IntroductionFailed(_Introduction):
    """They could not be put in touch."""

    reason: str


IntroductionEvent = IntroductionMade | IntroductionFailed
