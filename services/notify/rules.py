"""Notify's decisions: which mails an event calls for, how long each makes sense, and when it is sent."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid5

from shared.events import (
    MatchAccepted,
    MatchDeclined,
    MatchExpired,
    MatchFacts,
    MatchFound,
    MatchPresented,
    MatchReminded,
    MatchState,
    OutcomeReported,
)
from shared.vocabulary import COORDINATED, Digest

DELIVERIES = UUID("9b1c7a64-0c55-5e0a-8a3f-7d6c1b2e4f90")
"""Namespace of delivery ids."""
SPACING = (5.0, 30.0, 300.0, 3_600.0)
"""Seconds after each failed try; then once an hour."""
SETTLES = 30.0
"""Seconds that coordinators are spared: a match that needs no shortlist is presented right after it was found."""


class Template(StrEnum):
    """The kinds of mail."""

    PRESENTED = "presented"
    FOUND = "found"
    TO_SHORTLIST = "to_shortlist"
    REMINDED = "reminded"
    ESCALATED = "escalated"
    DECLINED = "declined"
    EXPIRED = "expired"
    NO_MATCH = "no_match"
    INTRODUCTION = "introduction"
    MEETING = "meeting"
    INVITATION = "invitation"
    PART_ASKED = "part_asked"
    PART_ANSWERED = "part_answered"
    SUGGESTED = "suggested"


class Party(StrEnum):
    """To whom a mail goes."""

    NEED = "need"
    """The need's contact."""
    PROPOSAL = "proposal"
    """The proposal's contact."""
    COORDINATOR = "coordinator"
    LEAD = "lead"
    """The contact of who leads a consortium."""
    MEMBER = "member"
    """A person of a company that was asked to bring a part, or could bring one."""
    INVITED = "invited"
    """An address that a lead named."""


class DeliveryState(StrEnum):
    """Where a mail stands."""

    QUEUED = "queued"
    SENT = "sent"
    CANCELLED = "cancelled"
    BOUNCED = "bounced"
    """The address was refused for good."""


Called = tuple[tuple[Template, Party], ...]

_CALLED: dict[type[MatchFacts], Called] = {
    MatchFound: ((Template.TO_SHORTLIST, Party.COORDINATOR),),
    MatchPresented: ((Template.PRESENTED, Party.NEED), (Template.FOUND, Party.PROPOSAL)),
    MatchReminded: ((Template.REMINDED, Party.NEED),),
    # Not to the region as well: its reminders have named the last day.
    MatchExpired: ((Template.EXPIRED, Party.PROPOSAL),),
    MatchDeclined: ((Template.DECLINED, Party.PROPOSAL),),
    MatchAccepted: tuple((Template.INTRODUCTION, party) for party in (Party.NEED, Party.PROPOSAL, Party.COORDINATOR)),
    OutcomeReported: ((Template.MEETING, Party.NEED), (Template.MEETING, Party.PROPOSAL)),
}

_HOLDS = {
    Template.TO_SHORTLIST: MatchState.FOUND,
    Template.PRESENTED: MatchState.PRESENTED,
    Template.FOUND: MatchState.PRESENTED,
    Template.REMINDED: MatchState.PRESENTED,
    Template.ESCALATED: MatchState.PRESENTED,
    Template.DECLINED: MatchState.DECLINED,
    Template.EXPIRED: MatchState.EXPIRED,
}
"""The one state of a match in which a mail about it makes sense."""

INVITATIONS = (Template.INVITATION, Template.PART_ASKED)
NEVER_STOPPED = (Template.INTRODUCTION, Template.MEETING, *INVITATIONS)
"""What goes to those too who want no more mail: each was brought about by somebody who waits for them."""
AT_ONCE = (*NEVER_STOPPED, Template.ESCALATED)
"""What waits for no digest."""


def called_for(event: MatchFacts) -> Called:
    """The mails that a step of a match calls for, and to whom."""
    match event:
        case MatchReminded(escalated=True):
            return ((Template.ESCALATED, Party.COORDINATOR),)
        case OutcomeReported(meeting=None):
            return ()
        case _:
            return _CALLED.get(type(event), ())


def told_for(template: Template, provinces: Sequence[str]) -> list[str]:
    """The organisations whose coordinators hear of a match: the lead's; of an introduction those of all members.

    Cleantech Flanders looks after who sits outside the four provinces.
    """
    concerned = provinces if template is Template.INTRODUCTION else provinces[:1]
    told = [province if province in COORDINATED else "cleantech_flanders" for province in concerned]
    return list(dict.fromkeys(told))


def holds(template: Template, state: MatchState) -> bool:
    """Whether a mail about a match in this state still makes sense."""
    return _HOLDS.get(template, state) is state


def settling(template: Template) -> float:
    """Seconds for which a new mail waits, lest the next event makes it void."""
    return SETTLES if template is Template.TO_SHORTLIST else 0.0


def can_wait(template: Template) -> bool:
    """Whether a mail is held until the digest of who wants one."""
    return template not in AT_ONCE


def can_be_stopped(template: Template) -> bool:
    """Whether somebody who has unsubscribed is spared it."""
    return template not in NEVER_STOPPED


def digest_moment(digest: Digest, now: datetime, hour: int, weekday: int) -> datetime:
    """The next moment at which somebody wants to hear of what can wait.

    Args:
        digest: how often.
        now: in UTC.
        hour: of the day, in UTC.
        weekday: of the weekly one; 0 is Monday.
    """
    if digest is Digest.AT_ONCE:
        return now
    moment = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    while moment <= now or (digest is Digest.WEEKLY and moment.weekday() != weekday):
        moment += timedelta(days=1)
    return moment


def delivery_id(*occasion: object) -> UUID:
    """The one id of the mail that something calls for; its Message-ID is made of it.

    Args:
        occasion: what happened to what in which version, the template, the party; for one of several, who.
    """
    return uuid5(DELIVERIES, "/".join(map(str, occasion)))


def is_final(code: int, answer: str) -> bool:
    """Whether a mail server's answer to an address will be the same tomorrow (RFC 5321, 4.2.1).

    Not if it is about us, such as a relay that is set up wrongly (RFC 3463: 5.7, security or policy).
    """
    return code >= 500 and not answer.startswith("5.7.")


def wait(tries: int) -> float:
    """Seconds until the next try after so many failed ones."""
    return SPACING[min(tries, len(SPACING)) - 1]
