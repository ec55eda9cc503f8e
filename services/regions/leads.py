"""Leads over HTTP: the questions asked on a mission, from which needs come."""

from typing import Annotated
from uuid import UUID, uuid4

from services.regions.drafts import DraftView, view
from services.regions.missions import changeable, facts, keep_leads, shown
from services.regions.models import NeedDraftRow
from services.regions.rules import MissionStep, check_lead, first_sentence, lead_of
from shared.auth import RegionOrCoordinator, RegionPerson
from shared.events import Lead, LeadRecorded, MissionFacts, Origin
from shared.http import Draft, Session, commands
from shared.outbox import said
from shared.vocabulary import Challenges, Language, Region, Role, storable, trimmed

write = commands()

Question = Annotated[str, trimmed(1_000), storable]


class LeadDraft(Draft):
    """A question, as it was asked. `stop_id` says where in the programme."""

    region: Region
    question: Question
    language: Language
    challenges: Challenges
    stop_id: UUID | None = None


@write.post("/missions/{mission_id}/leads", status_code=201)
async def record_lead(mission_id: UUID, draft: LeadDraft, caller: RegionOrCoordinator, db: Session) -> MissionFacts:
    """Record a question asked on a mission; several people may do so at once. The mission, as the caller sees it."""
    mission = await changeable(db, mission_id, caller, MissionStep.RECORD)
    held = facts(mission)
    check_lead(held, draft.region, draft.stop_id, caller.region if caller.role is Role.REGION else None)
    keep_leads(mission, (*held.leads, Lead(lead_id=uuid4(), **draft.model_dump())))
    (seen,) = await shown(db, caller, said(db, LeadRecorded, mission))
    return seen


@write.post("/missions/{mission_id}/leads/{lead_id}/draft", status_code=201)
async def draft_need(mission_id: UUID, lead_id: UUID, caller: RegionPerson, db: Session) -> DraftView:
    """Begin a need with a question of the caller's region; posting the draft ties the two together."""
    mission = await changeable(db, mission_id, caller, MissionStep.RECORD)
    lead = lead_of(facts(mission).leads, lead_id, caller.region)
    origin = Origin(mission_id=mission_id, lead_id=lead_id)
    content = lead.model_dump(mode="json", include={"language", "challenges"})
    content |= {"title": first_sentence(lead.question), "body": lead.question}
    draft = NeedDraftRow(region=caller.region, content=content, origin=origin.model_dump(mode="json"))
    db.add(draft)
    return view(draft)
