"""Notify's decisions: which mail a step of a match calls for, and when a failed one is tried again."""

from enum import StrEnum
from uuid import UUID, uuid5

DELIVERIES = UUID("9b1c7a64-0c55-5e0a-8a3f-7d6c1b2e4f90")
"""Namespace of delivery ids."""
SPACING = (5.0, 30.0, 300.0, 3_600.0)
"""Seconds after each failed try; then once an hour."""


class Template(StrEnum):
    """The kinds of mail."""

    PRESENTED = "presented"
    INTRODUCTION = "introduction"


class Party(StrEnum):
    """The two sides of a match."""

    NEED = "need"
    PROPOSAL = "proposal"


class DeliveryState(StrEnum):
    """Where a mail stands."""

    QUEUED = "queued"
    SENT = "sent"
    CANCELLED = "cancelled"


def delivery_id(match: UUID, version: int, template: Template, party: Party) -> UUID:
    """The one id of the mail that this step of a match calls for; its Message-ID is made of it."""
    return uuid5(DELIVERIES, f"{match}/{version}/{template}/{party}")


def wait(tries: int) -> float:
    """Seconds until the next try after so many failed ones."""
    return SPACING[min(tries, len(SPACING)) - 1]
