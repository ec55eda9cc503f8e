"""Regions' decisions: values in, a decision out."""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from uuid import UUID, uuid4

from shared.events import Lead, MatchState, MissionFacts, Original, Stop, StopKind
from shared.lives import possible
from shared.problems import conflict, invalid, not_found
from shared.vocabulary import Language, Region


class NeedState(StrEnum):
    """Where a need stands."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"


class NeedStep(StrEnum):
    """What a region may do with a need of its own."""

    POST = "post"
    REVISE = "revise"
    CLOSE = "close"


NEED_LIFE = {
    (NeedState.DRAFT, NeedStep.REVISE): NeedState.DRAFT,
    (NeedState.DRAFT, NeedStep.POST): NeedState.OPEN,
    (NeedState.OPEN, NeedStep.REVISE): NeedState.OPEN,
    (NeedState.OPEN, NeedStep.CLOSE): NeedState.CLOSED,
}
"""Each step is the region's; the platform itself closes a need whose deadline has passed."""


class MissionState(StrEnum):
    """Where a mission stands: it goes from one to the next by its dates alone."""

    PLANNED = "planned"
    UNDER_WAY = "under way"
    OVER = "over"


class MissionStep(StrEnum):
    """What may be done with a mission."""

    REVISE = "revise"
    RECORD = "record a lead"
    LINK = "link a visit to a match"


MISSION_LIFE = {
    (MissionState.PLANNED, MissionStep.REVISE): MissionState.PLANNED,
    (MissionState.PLANNED, MissionStep.RECORD): MissionState.PLANNED,
    (MissionState.PLANNED, MissionStep.LINK): MissionState.PLANNED,
    (MissionState.UNDER_WAY, MissionStep.REVISE): MissionState.UNDER_WAY,
    (MissionState.UNDER_WAY, MissionStep.RECORD): MissionState.UNDER_WAY,
    (MissionState.UNDER_WAY, MissionStep.LINK): MissionState.UNDER_WAY,
    (MissionState.OVER, MissionStep.RECORD): MissionState.OVER,
    (MissionState.OVER, MissionStep.LINK): MissionState.OVER,
}
"""No step leads further, only the dates do. What is over is what happened; what came of it is still told."""

VISITED = (MatchState.PRESENTED, MatchState.ACCEPTED, MatchState.INTRODUCED, MatchState.REPORTED)
"""The matches that a visit can be about: the region knows of them, and something may come of them."""
FORMULA = re.compile(r"(^|[;\t\r\n] *)(?=[=+\-@\t\r])")
"""Where one could begin. A spreadsheet whose decimals have commas, as in Belgium, ends cells at semicolons."""
MOST_LEADS = 100
"""So many questions, at their longest, fit into one event."""


def need_state(closed: bool) -> NeedState:
    """Where a need that was posted stands."""
    return NeedState.CLOSED if closed else NeedState.OPEN


def no_draft_any_more(state: NeedState) -> str:
    """What is said to somebody who still has a draft in mind that has become a need."""
    return f"This draft was posted, and the need is {state}; {possible(NEED_LIFE, state)}."


def check_deadline(deadline: date | None, today: date) -> None:
    """A deadline lies ahead.

    Raises:
        Problem: 422.
    """
    if deadline is not None and deadline <= today:
        raise invalid("body.deadline", f"must be after today, {today.isoformat()}")


def check_original(language: Language, original: Original | None) -> None:
    """A text's original is in another language.

    Raises:
        Problem: 422.
    """
    if original and original.language == language:
        message = f"must not be {language}, which title and body are in; leave the original out if they are it"
        raise invalid("body.original.language", message)


def first_sentence(text: str, most: int = 200) -> str:
    """A text's first sentence, cut at a word if it is too long for a title."""
    found = re.match(r".+?(?:[。!?！？]|\.(?=\s|$)|$)", text.strip(), re.MULTILINE)
    sentence = found[0].strip() if found else text.strip()
    if len(sentence) <= most:
        return sentence
    head, blank, _ = sentence[:most].rpartition(" ")
    return f"{head if blank else sentence[: most - 1]}…"


def mission_state(starts: date, ends: date, today: date) -> MissionState:
    """Where a mission stands on a day."""
    if today < starts:
        return MissionState.PLANNED
    return MissionState.OVER if today > ends else MissionState.UNDER_WAY


def check_dates(starts: date, ends: date) -> None:
    """A mission ends on the day it starts, or later.

    Raises:
        Problem: 422.
    """
    if ends < starts:
        raise invalid("body.ends", f"must not be before the first day, {starts.isoformat()}")


def check_host(provinces: Iterable[str], own: Iterable[str]) -> None:
    """Who plans a mission takes part in it.

    Raises:
        Problem: 422.
    """
    own = list(own)
    if not set(provinces) & set(own):
        raise invalid("body.provinces", f"must name the province that you coordinate, {', '.join(own)}")


def programme(starts: date, ends: date, wanted: Sequence[Mapping[str, object]], held: Sequence[Stop]) -> list[Stop]:
    """The stops in the order of their days: one that names the id of a stop that is held goes on being that stop.

    Raises:
        Problem: 422 for a day outside the mission, and an id that no stop has or that comes twice.
    """
    known = {stop.stop_id: stop for stop in held}
    stops = []
    for place, fields in enumerate(wanted):
        stop = Stop.model_validate({**fields, "stop_id": fields["stop_id"] or uuid4()})
        if not starts <= stop.on <= ends:
            message = f"must be within the mission, {starts.isoformat()} to {ends.isoformat()}"
            raise invalid(f"body.programme.{place}.on", message)
        if fields["stop_id"] and stop.stop_id not in known:
            message = "must be the id of a stop that this mission has, once; leave it out for a new stop"
            raise invalid(f"body.programme.{place}.stop_id", message)
        before = known.pop(stop.stop_id, None)
        if before and stop.kind is StopKind.VISIT:
            stop = stop.model_copy(update={"match_id": before.match_id})
        stops.append(stop)
    return sorted(stops, key=lambda stop: stop.on)


def check_leads_stay(stops: Iterable[Stop], leads: Iterable[Lead]) -> None:
    """A stop where a question was asked is not taken out.

    Raises:
        Problem: 422.
    """
    kept = {stop.stop_id for stop in stops}
    if gone := next((lead for lead in leads if lead.stop_id and lead.stop_id not in kept), None):
        raise invalid("body.programme", f"must keep the stop {gone.stop_id}: a question was asked there")


def check_lead(mission: MissionFacts, region: Region, stop_id: UUID | None, own: Region | None) -> None:
    """A question comes from a region that takes part, and was asked at a stop of the programme.

    Args:
        own: the region that the caller acts for, if it is one.

    Raises:
        Problem: 422; 409 for one too many.
    """
    if region not in mission.regions or own not in (None, region):
        allowed = [own] if own else mission.regions
        raise invalid("body.region", f"must be {' or '.join(allowed)}")
    if stop_id and stop_id not in {stop.stop_id for stop in mission.programme}:
        raise invalid("body.stop_id", "must be a stop of the mission's programme; leave it out if it was none")
    if len(mission.leads) >= MOST_LEADS:
        raise conflict(f"A mission holds {MOST_LEADS} leads at most; this one is full.")


def lead_of(leads: Iterable[Lead], lead_id: UUID, region: Region) -> Lead:
    """A region's own lead, of which no need has come yet.

    Raises:
        Problem: 404; 409.
    """
    lead = next((each for each in leads if each.lead_id == lead_id and each.region == region), None)
    if lead is None:
        raise not_found("lead")
    if lead.need_id:
        raise conflict(f"A need came of this lead already: {lead.need_id}; revise that, or discard the draft.")
    return lead


def visit_of(stops: Iterable[Stop], stop_id: UUID) -> Stop:
    """The visit of that id.

    Raises:
        Problem: 404; 409 for a seminar.
    """
    stop = next((each for each in stops if each.stop_id == stop_id), None)
    if stop is None:
        raise not_found("stop")
    if stop.kind is not StopKind.VISIT:
        raise conflict(f"This stop is a {stop.kind}; only a visit can be about one match. Revise the programme first.")
    return stop


def check_visited(state: str) -> None:
    """A visit can be about a match in this state.

    Raises:
        Problem: 409.
    """
    if state not in VISITED:
        raise conflict(f"This match is {state}; a visit can be about one that is {', '.join(VISITED)}.")


def seen_by(mission: MissionFacts, region: Region | None, matches: Container[UUID]) -> MissionFacts:
    """What a region or a company may see of a mission: the programme, and its own of all else.

    Args:
        mission: all of it.
        region: the reader's; none for a company.
        matches: the region's own.
    """
    leads = tuple(lead for lead in mission.leads if lead.region == region)
    stops = tuple(
        stop if stop.match_id in matches else stop.model_copy(update={"match_id": None}) for stop in mission.programme
    )
    return mission.model_copy(update={"leads": leads, "programme": stops})


def guarded(cell: str) -> str:
    """A cell's text, in which a spreadsheet takes nothing for a formula."""
    return FORMULA.sub(r"\1'", cell)
