"""Missions over HTTP: their programme, and the matches that visits are about."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field
from sqlalchemy import ColumnElement
from sqlmodel import col, func, select, true

from services.regions.models import MatchCopy, Mission
from services.regions.rules import (
    MISSION_LIFE,
    MissionStep,
    check_dates,
    check_host,
    check_leads_stay,
    check_visited,
    lead_of,
    mission_state,
    programme,
    seen_by,
    visit_of,
)
from shared.auth import Caller, Coordinator, NetworkPerson
from shared.db import Db, shares
from shared.events import (
    Direction,
    Lead,
    LeadRecorded,
    MissionFacts,
    MissionPlanned,
    MissionRevised,
    Origin,
    Stop,
    StopKind,
)
from shared.http import Draft, Page, Session, commands, queries
from shared.lives import after, check_version
from shared.outbox import said
from shared.problems import invalid, not_found
from shared.vocabulary import Province, Region, Role, Title

write = commands()
read = queries()

Regions = Annotated[
    tuple[Region, ...],
    Field(min_length=1, json_schema_extra={"uniqueItems": True}),
    AfterValidator(lambda names: tuple(sorted(set(names)))),
]
Provinces = Annotated[
    tuple[Province, ...],
    Field(min_length=1, json_schema_extra={"uniqueItems": True}),
    AfterValidator(lambda names: tuple(sorted(set(names)))),
]


class StopDraft(Draft):
    """One item of a programme; `stop_id` says which one it was before, if it is not new."""

    stop_id: UUID | None = None
    kind: StopKind
    on: date
    place: Title
    title: Title


class Plan(Draft):
    """What may change of a mission."""

    title: Title
    starts: date
    ends: date
    programme: Annotated[tuple[StopDraft, ...], Field(max_length=40)] = ()


class MissionDraft(Plan):
    """A mission, as it is planned."""

    direction: Direction
    regions: Regions
    provinces: Provinces


class MissionRevision(Plan):
    """A mission's new plan. `version` is the one that the caller has read."""

    version: int


class Visit(Draft):
    """What a visit is about. `version` is the mission's version that the caller has read."""

    match_id: UUID
    version: int


@write.post("/missions", status_code=201)
async def plan_mission(draft: MissionDraft, caller: Coordinator, db: Session) -> MissionPlanned:
    """Plan a mission in which the caller's province takes part."""
    check_dates(draft.starts, draft.ends)
    check_host(draft.provinces, caller.provinces)
    mission = Mission(**draft.model_dump(exclude={"programme"}), programme=_stops(draft, ()))
    db.add(mission)
    return said(db, MissionPlanned, mission)


@write.put("/missions/{mission_id}")
async def revise_mission(mission_id: UUID, draft: MissionRevision, caller: Coordinator, db: Session) -> MissionRevised:
    """Revise a mission that is not over. A stop that is sent with its id stays the same, with the match it is about."""
    mission = await changeable(db, mission_id, caller, MissionStep.REVISE)
    check_version("mission", mission.version, draft.version)
    check_dates(draft.starts, draft.ends)
    held = facts(mission)
    stops = _stops(draft, held.programme)
    check_leads_stay(map(Stop.model_validate, stops), held.leads)
    mission.sqlmodel_update(draft.model_dump(exclude={"programme"}) | {"programme": stops})
    mission.version += 1
    return said(db, MissionRevised, mission)


@write.post("/missions/{mission_id}/stops/{stop_id}/match")
async def link_visit(mission_id: UUID, stop_id: UUID, visit: Visit, caller: Coordinator, db: Session) -> MissionRevised:
    """Say which match a visit is about."""
    mission = await changeable(db, mission_id, caller, MissionStep.LINK)
    stops = facts(mission).programme
    stop = visit_of(stops, stop_id)
    check_version("mission", mission.version, visit.version)
    match = await db.get(MatchCopy, visit.match_id)
    if match is None or match.region not in mission.regions or not {*match.provinces} & {*caller.provinces}:
        raise invalid("body.match_id", "must be a match of a region of this mission that you may read")
    check_visited(match.state)
    linked = stop.model_copy(update={"match_id": visit.match_id})
    mission.programme = [(linked if each is stop else each).model_dump(mode="json") for each in stops]
    mission.version += 1
    return said(db, MissionRevised, mission)


@read.get("/missions")
async def list_missions(caller: NetworkPerson, db: Session, page: Page) -> list[MissionFacts]:
    """The missions that the caller may see, by id; `after` is the last id of the page before."""
    rows = await page.of(db, select(Mission).where(_visible(caller)), Mission.mission_id)
    return await shown(db, caller, *map(facts, rows))


@read.get("/missions/{mission_id}")
async def get_mission(mission_id: UUID, caller: NetworkPerson, db: Session) -> MissionFacts:
    """One mission: all of it for coordinators; a region sees its own leads, a company the programme alone."""
    mission = await db.scalar(select(Mission).where(Mission.mission_id == mission_id, _visible(caller)))
    if mission is None:
        raise not_found("mission")
    (seen,) = await shown(db, caller, facts(mission))
    return seen


async def shown(db: Db, caller: Caller, *missions: MissionFacts) -> list[MissionFacts]:
    """These missions, as the caller may see them."""
    if caller.role not in (Role.REGION, Role.COMPANY):
        return list(missions)
    region = caller.region if caller.role is Role.REGION else None
    linked = [stop.match_id for mission in missions for stop in mission.programme if stop.match_id]
    query = select(MatchCopy.match_id).where(col(MatchCopy.match_id).in_(linked), MatchCopy.region == region)
    own = set(await db.scalars(query)) if linked and region else set()
    return [seen_by(mission, region, own) for mission in missions]


async def changeable(db: Db, mission_id: UUID, caller: Caller, step: MissionStep) -> Mission:
    """The mission, locked, if the caller takes part in it and the step is possible now.

    Raises:
        Problem: 404; 409.
    """
    query = select(Mission, func.current_date()).where(Mission.mission_id == mission_id, _part_of(caller))
    found = (await db.execute(query.with_for_update(of=Mission))).first()
    if found is None:
        raise not_found("mission")
    mission: Mission = found[0]
    after(MISSION_LIFE, "mission", mission_state(mission.starts, mission.ends, found[1]), step)
    return mission


async def note_need(db: Db, origin: Origin, need_id: UUID, region: Region) -> None:
    """Say that a need has come from a lead."""
    mission = await db.get_one(Mission, origin.mission_id, with_for_update=True)
    leads = facts(mission).leads
    lead = lead_of(leads, origin.lead_id, region)
    keep_leads(mission, (each.model_copy(update={"need_id": need_id}) if each is lead else each for each in leads))
    said(db, LeadRecorded, mission)


def keep_leads(mission: Mission, leads: Iterable[Lead]) -> None:
    """Give a mission, which is locked, these leads."""
    mission.leads = [lead.model_dump(mode="json") for lead in leads]
    mission.version += 1


def facts(mission: Mission) -> MissionFacts:
    """A mission as its events say it."""
    return MissionFacts.model_validate(mission.model_dump())


def _stops(plan: Plan, held: tuple[Stop, ...]) -> list[dict[str, object]]:
    wanted = [stop.model_dump() for stop in plan.programme]
    return [stop.model_dump(mode="json") for stop in programme(plan.starts, plan.ends, wanted, held)]


def _part_of(caller: Caller) -> ColumnElement[bool]:
    """Whose region or province takes part."""
    if caller.role is Role.REGION:
        return shares(Mission.regions, [str(caller.region)])
    return shares(Mission.provinces, caller.provinces)


def _visible(caller: Caller) -> ColumnElement[bool]:
    """A region sees the missions that it takes part in; what is planned is no secret among Flemish people."""
    return _part_of(caller) if caller.role is Role.REGION else true()
