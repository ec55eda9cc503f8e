"""A match's life: which step may be taken in which state, by whom, and when the platform takes one by itself.

Rules as in rules.py: values in, a decision out.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from shared.events import (
    MatchAccepted,
    MatchDeclined,
    MatchExpired,
    MatchFacts,
    MatchFound,
    MatchIntroduced,
    MatchPresented,
    MatchReminded,
    MatchRetracted,
    MatchRevised,
    MatchShortlisted,
    MatchState,
    MatchVetoed,
    Meeting,
    Outcome,
    OutcomeReported,
)
from shared.problems import conflict, invalid
from shared.settings import Clocks
from shared.vocabulary import Objection, Role

PLATFORM = "platform"
SOON = timedelta(days=730)
"""How far off a meeting may be."""


class Step(StrEnum):
    """What can be done with a match; of the commands, the words of their routes."""

    FIND = "find"
    SHORTLIST = "shortlist"
    VETO = "veto"
    PRESENT = "present"
    REMIND = "remind"
    ESCALATE = "escalate"
    EXPIRE = "expire"
    INTEREST = "interest"
    ACCEPT = "accept"
    DECLINE = "decline"
    INTRODUCE = "introduce"
    FAIL = "fail"
    OUTCOME = "outcome"
    REVISE = "revise"
    RETRACT = "retract"
    WITHDRAW = "withdraw"
    """The proposal is withdrawn: it reaches further than `retract`, which is that the two no longer fit."""


LIFE: Mapping[tuple[MatchState, Step], MatchState] = {
    (MatchState.FOUND, Step.SHORTLIST): MatchState.SHORTLISTED,
    (MatchState.FOUND, Step.VETO): MatchState.VETOED,
    (MatchState.FOUND, Step.PRESENT): MatchState.PRESENTED,
    (MatchState.FOUND, Step.REVISE): MatchState.FOUND,
    (MatchState.FOUND, Step.RETRACT): MatchState.RETRACTED,
    (MatchState.FOUND, Step.WITHDRAW): MatchState.RETRACTED,
    (MatchState.SHORTLISTED, Step.PRESENT): MatchState.PRESENTED,
    (MatchState.PRESENTED, Step.VETO): MatchState.VETOED,
    (MatchState.PRESENTED, Step.REMIND): MatchState.PRESENTED,
    (MatchState.PRESENTED, Step.ESCALATE): MatchState.PRESENTED,
    (MatchState.PRESENTED, Step.EXPIRE): MatchState.EXPIRED,
    (MatchState.PRESENTED, Step.INTEREST): MatchState.PRESENTED,
    (MatchState.PRESENTED, Step.ACCEPT): MatchState.ACCEPTED,
    (MatchState.PRESENTED, Step.DECLINE): MatchState.DECLINED,
    (MatchState.PRESENTED, Step.REVISE): MatchState.PRESENTED,
    (MatchState.PRESENTED, Step.RETRACT): MatchState.RETRACTED,
    (MatchState.PRESENTED, Step.WITHDRAW): MatchState.RETRACTED,
    (MatchState.ACCEPTED, Step.INTRODUCE): MatchState.INTRODUCED,
    (MatchState.ACCEPTED, Step.FAIL): MatchState.RETRACTED,
    (MatchState.ACCEPTED, Step.WITHDRAW): MatchState.RETRACTED,
    (MatchState.INTRODUCED, Step.OUTCOME): MatchState.REPORTED,
    (MatchState.REPORTED, Step.OUTCOME): MatchState.REPORTED,
    (MatchState.RETRACTED, Step.FIND): MatchState.FOUND,
    # The parties know each other already: a fact, although it was called off meanwhile.
    (MatchState.RETRACTED, Step.INTRODUCE): MatchState.INTRODUCED,
}
"""The whole of it: what is not here is not possible."""

WHO: Mapping[Role, frozenset[Step]] = {
    Role.COORDINATOR: frozenset({Step.SHORTLIST, Step.VETO, Step.REMIND, Step.OUTCOME}),
    Role.REGION: frozenset({Step.INTEREST, Step.ACCEPT, Step.DECLINE, Step.OUTCOME}),
    Role.COMPANY: frozenset({Step.OUTCOME}),
}
"""The steps that people take; the platform takes the others, and reminds too."""

SAYS: Mapping[Step, type[MatchFacts]] = {
    Step.FIND: MatchFound,
    Step.SHORTLIST: MatchShortlisted,
    Step.VETO: MatchVetoed,
    Step.PRESENT: MatchPresented,
    Step.REMIND: MatchReminded,
    Step.ESCALATE: MatchReminded,
    Step.EXPIRE: MatchExpired,
    Step.ACCEPT: MatchAccepted,
    Step.DECLINE: MatchDeclined,
    Step.INTRODUCE: MatchIntroduced,
    Step.FAIL: MatchRetracted,
    Step.OUTCOME: OutcomeReported,
    Step.REVISE: MatchRevised,
    Step.RETRACT: MatchRetracted,
    Step.WITHDRAW: MatchRetracted,
}
"""What each step is told as; that a region shows interest is told nobody."""

AGREED = frozenset({MatchState.ACCEPTED, MatchState.INTRODUCED, MatchState.REPORTED})
"""The region gave a positive answer, and it holds."""
LIVE = AGREED | {MatchState.FOUND, MatchState.SHORTLISTED, MatchState.PRESENTED}
"""Something may still come of these."""


def possible(state: MatchState, step: Step) -> bool:
    """Whether this step can be taken now, by whomever."""
    return (state, step) in LIFE


def choices(state: MatchState, role: Role) -> list[Step]:
    """What someone of this role can do now with a match of theirs."""
    return [step for held, step in LIFE if held is state and step in WHO.get(role, ())]


def check(state: MatchState, step: Step, role: Role, version: int, seen: int) -> None:
    """Whether someone of this role may take this step now.

    Raises:
        Problem: 409 if it is not possible, with what is; or if the match is not what the caller has seen.
    """
    if not possible(state, step):
        now = ", ".join(choices(state, role)) or "nothing"
        raise conflict(f"This match is {state}. What a {role} can do with it now: {now}.")
    if version != seen:
        raise conflict(f"The match is at version {version}, you have seen {seen}; read it again before you decide.")


def check_outcome(outcome: Outcome, objection: Objection | None, meeting: Meeting | None, now: datetime) -> None:
    """Whether what was told of an introduction goes together.

    Raises:
        Problem: 422.
    """
    if outcome is Outcome.NOTHING and objection is None:
        raise invalid("body.objection", "is needed where nothing came of it: say why")
    if objection and outcome is not Outcome.NOTHING:
        raise invalid("body.objection", "goes with the outcome `nothing` alone; leave it out")
    if meeting and outcome is not Outcome.MEETING:
        raise invalid("body.meeting", "goes with the outcome `meeting` alone; leave it out")
    if meeting and not now < meeting.starts < now + SOON:
        raise invalid("body.meeting.starts", "must be in the future, and within two years")


def presents(threshold: float | None, score: float) -> bool:
    """Whether a match is presented without a coordinator's word."""
    return threshold is not None and score >= threshold


CLOCK = (Step.REMIND, Step.ESCALATE, Step.EXPIRE)
"""What the platform does about a silent region, one after the other."""


def due(step: Step, answer_by: date, clocks: Clocks) -> datetime:
    """When a step of the clock becomes due: as a day begins in UTC; the last day for an answer is over by then."""
    days = {Step.REMIND: clocks.remind_days, Step.ESCALATE: clocks.escalate_days, Step.EXPIRE: clocks.expire_days + 1}
    on = answer_by - timedelta(days=clocks.expire_days - days[step])
    return datetime.combine(on, time.min, UTC)


def after(step: Step) -> Step | None:
    """The clock's next step."""
    later = CLOCK[CLOCK.index(step) + 1 :]
    return later[0] if later else None
