"""Events in words a coordinator would use, from nothing but the events that were heard before."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from shared.events import (
    CompanyFacts,
    ConsortiumFacts,
    ConsortiumSuggested,
    Event,
    MatchFacts,
    MissionFacts,
    NeedFacts,
    NoMatchFound,
    Outcome,
    OutcomeReported,
    PartState,
    ProposalFacts,
    ProposalKind,
)
from shared.vocabulary import Province

QUOTED = 100
"""Characters of a sentence that are shown."""

Sentence = Callable[["Teller", Any], str | None]


class Teller:
    """Remembers who and what the events were about, so that a later one can be told by names and titles."""

    def __init__(self) -> None:
        self.matches: dict[tuple[str, str], MatchFacts] = {}
        """Every match as it stands, by the ids of its need and its proposal."""
        self.titles: dict[str, str] = {}
        """Titles of needs and proposals, by id."""
        self._companies: dict[UUID, str] = {}
        self._leads: dict[UUID, UUID] = {}
        self._pairs: dict[UUID, MatchFacts] = {}
        self.asked: set[UUID] = set()
        """The questions of missions that were told already."""

    def tell(self, event: Event) -> str | None:
        """One sentence about an event, or nothing where it would not interest a coordinator."""
        self._remember(event)
        sentence = SENTENCES.get(type(event).__name__)
        return sentence(self, event) if sentence else None

    def company(self, company_id: UUID) -> str:
        """A company's name."""
        return self._companies.get(company_id, "A company")

    def lead(self, match: MatchFacts) -> str:
        """The name of the company whose proposal matched."""
        lead = self._leads.get(match.proposal_id)
        return self.company(lead) if lead else "A company"

    def title(self, side: UUID) -> str:
        """What a need or a proposal is about."""
        return self.titles.get(str(side), "…")

    def parties(self, match_id: UUID) -> str:
        """Whom a match brings together."""
        match = self._pairs.get(match_id)
        return f"{match.region.title()} and {self.lead(match)}" if match else "Both parties"

    def _remember(self, event: Event) -> None:
        match event:
            case CompanyFacts():
                self._companies[event.company_id] = event.name
            case NeedFacts():
                self.titles[str(event.need_id)] = event.title
            case ProposalFacts():
                self.titles[str(event.proposal_id)] = event.title
                self._leads[event.proposal_id] = event.lead_id
            case MatchFacts():
                self.matches[key(event)] = self._pairs[event.match_id] = event


SENTENCES: dict[str, Sentence] = {
    "CompanyRegistered": lambda t, e: f"{e.name} ({place(e.province)}) joins",
    "ConsortiumOpened": lambda t, e: f"{t.company(e.lead_id)} looks for partners: {e.title}",
    "PartConfirmed": lambda t, e: (
        f"{_confirmed(e)} of {len(e.parts) + len(e.wanted)} partners confirmed their part of: {e.title}"
    ),
    "PartDeclined": lambda t, e: f"A partner declined its part of: {e.title}",
    "ConsortiumRevised": lambda t, e: f"{t.company(e.lead_id)} changed the parts of: {e.title}",
    "ConsortiumClosed": lambda t, e: f"The consortium proposes, with {_confirmed(e)} partners: {e.title}",
    "NeedPosted": lambda t, e: f"{e.region.title()} needs: {e.title}",
    "NeedClosed": lambda t, e: f"{e.region.title()} closed its need: {e.title}",
    "MissionPlanned": lambda t, e: f"Mission, {e.starts:%-d %B %Y} to {e.ends:%-d %B %Y}: {e.title}",
    "LeadRecorded": lambda t, e: _lead(t, e),
    "ProposalSubmitted": lambda t, e: f"{t.company(e.lead_id)} {_proposes(e)}: {e.title}",
    "ProposalWithdrawn": lambda t, e: f"{t.company(e.lead_id)} withdrew: {e.title}",
    "MatchFound": lambda t, e: f"Match, score {e.score:.2f}: {t.lead(e)} for {e.region.title()}: {t.title(e.need_id)}",
    "MatchRetracted": lambda t, e: f"{t.lead(e)} and {e.region.title()} do not match any more",
    "MatchShortlisted": lambda t, e: f"The {_side(e)} wants {e.region.title()} to see the proposal of {t.lead(e)}",
    "MatchVetoed": lambda t, e: f"The {_side(e)} vetoes {t.lead(e)} for {e.region.title()}",
    "MatchReminded": lambda t, e: f"{e.region.title()} is reminded of the proposal of {t.lead(e)}",
    "MatchExpired": lambda t, e: f"{e.region.title()} never answered {t.lead(e)}",
    "NoMatchFound": lambda t, e: f"No need fits {t.title(e.proposal_id)} yet; {_nearest(t, e)}",
    "ConsortiumSuggested": lambda t, e: f"{_together(t, e)} for {e.region.title()}: {t.title(e.need_id)}",
    "OutcomeReported": lambda t, e: f"{t.parties(e.match_id)}: {_outcome(e)}",
    "MatchPresented": lambda t, e: f"{e.region.title()} sees the proposal of {t.lead(e)}, and may answer",
    "MatchAccepted": lambda t, e: f"{e.region.title()} gives {t.lead(e)} a positive answer",
    "MatchDeclined": lambda t, e: f"{e.region.title()} declines the proposal of {t.lead(e)}: {e.reason}",
    "IntroductionMade": lambda t, e: f"{t.parties(e.match_id)} are introduced: each has the other's contact details",
    "IntroductionFailed": lambda t, e: f"{t.parties(e.match_id)} could not be introduced",
}


def explained(explanation: dict[str, Any]) -> list[str]:
    """Why a match has its score, in a few lines."""
    base, *parts = explanation["parts"]
    added = ", ".join(f"{part['name']} {part['points']:+.2f}" for part in parts if round(part["points"], 2))
    why = f"Why {explanation['explained']['score']:.2f}? Any pair begins at {base['points']:.2f}; {added}"
    met = [
        f"Sentences that met: {_quoted(pair['need'])} and {_quoted(pair['proposal'])}"
        for pair in explanation["sentences"][:1]
    ]
    names = ", ".join(each["name"] for each in explanation["shared"] if each["kind"] == "name")
    raised = [change["words"] for change in explanation["raised_by"][:1]]
    return [why, *met, *([f"Both name: {names}"] if names else []), *raised]


def key(match: MatchFacts) -> tuple[str, str]:
    """The pair that a match is about."""
    return str(match.need_id), str(match.proposal_id)


def place(province: Province) -> str:
    """A province as one writes it."""
    return "outside the four provinces" if province is Province.OTHER else province.replace("_", " ").title()


def _quoted(quote: dict[str, Any] | None) -> str:
    """The beginning of a sentence, if one may read it."""
    if quote is None:
        return "one that may not be read"
    more = " …" if len(quote["quote"]) > QUOTED else ""
    return f"“{quote['quote'][:QUOTED].rstrip()}{more}”"


def _confirmed(consortium: ConsortiumFacts) -> int:
    return sum(part.state is PartState.CONFIRMED for part in consortium.parts)


def _side(match: MatchFacts) -> str:
    """Who took a step, as one writes it."""
    role, _, of = (match.by or "platform").partition(" of ")
    return f"{role} of {of.replace('_', ' ').title()}" if of else role


def _lead(teller: Teller, mission: MissionFacts) -> str | None:
    """The question that was heard for the first time; that a need has come of one is told by the need."""
    new = next((lead for lead in mission.leads if lead.lead_id not in teller.asked), None)
    if new is None:
        return None
    teller.asked.add(new.lead_id)
    return f"Asked by {new.region.title()}: {new.question}"


def _proposes(proposal: ProposalFacts) -> str:
    return "is interested" if proposal.kind is ProposalKind.INTEREST else "proposes"


def _nearest(teller: Teller, miss: NoMatchFound) -> str:
    """What came closest, and why it failed."""
    if not miss.nearest:
        return "nothing comes close"
    nearest = miss.nearest[0]
    return f"nearest is {nearest.region.title()}, {teller.title(nearest.need_id)} ({'; '.join(nearest.failed)})"


def _together(teller: Teller, suggestion: ConsortiumSuggested) -> str:
    """Who could cover how much of a need."""
    lead, *others = map(teller.company, suggestion.members)
    parts = len(suggestion.coverage) + len(suggestion.gaps)
    return f"{lead} could lead, with {' and '.join(others)}, {len(suggestion.coverage)} of {parts} parts"


def _outcome(event: OutcomeReported) -> str:
    match event.outcome:
        case Outcome.MEETING if event.meeting:
            return f"they meet on {event.meeting.starts:%-d %B %Y}"
        case Outcome.NOTHING if event.objection:
            return f"nothing came of it ({event.objection.words})"
        case outcome:
            return f"a {outcome} came of it"
