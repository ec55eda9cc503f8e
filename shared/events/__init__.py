"""The contracts: all that services know of each other."""

from shared.events.base import CATALOG, Envelope, Event
from shared.events.contacts import ContactErased, ContactEvent, ContactShared
from shared.events.intake import (
    CompanyRegistered,
    CompanyRevised,
    ConsortiumClosed,
    ConsortiumOpened,
    Part,
    PartConfirmed,
    PartDeclined,
    PartState,
    ProposalEvent,
    ProposalRevised,
    ProposalSubmitted,
    ProposalWithdrawn,
)
from shared.events.matching import (
    MatchAccepted,
    MatchDeclined,
    MatchEvent,
    MatchFound,
    MatchIntroduced,
    MatchPresented,
    MatchRetracted,
    MatchRevised,
    MatchState,
)
from shared.events.notify import IntroductionEvent, IntroductionFailed, IntroductionMade
from shared.events.regions import NeedClosed, NeedEvent, NeedPosted, NeedRevised

__all__ = [
    "CATALOG",
    "CompanyRegistered",
    "CompanyRevised",
    "ConsortiumClosed",
    "ConsortiumOpened",
    "ContactErased",
    "ContactEvent",
    "ContactShared",
    "Envelope",
    "Event",
    "IntroductionEvent",
    "IntroductionFailed",
    "IntroductionMade",
    "MatchAccepted",
    "MatchDeclined",
    "MatchEvent",
    "MatchFound",
    "MatchIntroduced",
    "MatchPresented",
    "MatchRetracted",
    "MatchRevised",
    "MatchState",
    "NeedClosed",
    "NeedEvent",
    "NeedPosted",
    "NeedRevised",
    "Part",
    "PartConfirmed",
    "PartDeclined",
    "PartState",
    "ProposalEvent",
    "ProposalRevised",
    "ProposalSubmitted",
    "ProposalWithdrawn",
]
