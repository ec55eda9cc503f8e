"""Events in words a coordinator would use."""

from collections.abc import Callable
from typing import Any

from shared.events import Event, MatchFacts

SENTENCES: dict[str, Callable[[Any], str]] = {
    "CompanyRegistered": lambda e: f"{e.name} ({e.province.replace('_', ' ')}) joined the network",
    "ConsortiumOpened": lambda e: f"A lead looks for partners: {e.title}",
    "PartConfirmed": lambda e: f"A contributor confirmed its part of: {e.title}",
    "ConsortiumClosed": lambda e: f"All parts are confirmed, the consortium submits: {e.title}",
    "NeedPosted": lambda e: f"{e.region.title()} needs: {e.title}",
    "ProposalSubmitted": lambda e: f"A proposal came in: {e.title}",
    "MatchFound": lambda e: f"Match found for {e.region.title()}, score {e.score:.2f}",
    "MatchPresented": lambda e: f"The match was presented to {e.region.title()}",
    "MatchAccepted": lambda e: f"{e.region.title()} gave a positive answer",
    "MatchDeclined": lambda e: f"{e.region.title()} declined: {e.reason}",
    "IntroductionMade": lambda e: "Both parties have each other's contact details",
    "MatchIntroduced": lambda e: f"The match for {e.region.title()} is introduced",
}


def tell(event: Event) -> str | None:
    """One sentence about an event, or nothing where it would not interest a coordinator."""
    sentence = SENTENCES.get(type(event).__name__)
    return sentence(event) if sentence else None


def key(match: MatchFacts) -> tuple[str, str]:
    """The pair that a match is about."""
    return str(match.need_id), str(match.proposal_id)
