"""Matching listens: it keeps a searchable copy and notes what is to be matched; its worker does the rest."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from services.matching.life import Step, possible
from services.matching.models import CompanyCopy, ConsortiumCopy, Match, NeedCopy, ProposalCopy, ToMatch
from services.matching.steps import take
from shared.bus import Handlers
from shared.db import Db, newest_wins
from shared.events import (
    CompanyFacts,
    CompanyRegistered,
    CompanyRevised,
    ConsortiumClosed,
    ConsortiumFacts,
    ConsortiumOpened,
    ConsortiumRevised,
    IntroductionFailed,
    IntroductionMade,
    MatchState,
    NeedClosed,
    NeedEvent,
    NeedPosted,
    NeedRevised,
    PartConfirmed,
    PartDeclined,
    ProposalEvent,
    ProposalRevised,
    ProposalSubmitted,
    ProposalWithdrawn,
)

events = Handlers(asks=ToMatch)


@events.project(NeedPosted, NeedRevised, NeedClosed, keeps=[NeedCopy])
async def keep_needs(batch: Sequence[NeedEvent], db: Db) -> None:
    """Hold the newest state of each need, and have its matches found."""
    changed = set(await newest_wins(db, NeedCopy, batch))
    await _to_match(db, "need", (event for event in batch if event.need_id in changed))


@events.project(ProposalSubmitted, ProposalRevised, ProposalWithdrawn, keeps=[ProposalCopy])
async def keep_proposals(batch: Sequence[ProposalEvent], db: Db) -> None:
    """Hold the newest state of each proposal, and have its matches found."""
    changed = set(await newest_wins(db, ProposalCopy, batch))
    await _to_match(db, "proposal", (event for event in batch if event.proposal_id in changed))


@events.project(CompanyRegistered, CompanyRevised, keeps=[CompanyCopy])
async def keep_companies(batch: Sequence[CompanyFacts], db: Db) -> None:
    """Hold the newest state of each company, and have its strongholds embedded."""
    changed = set(await newest_wins(db, CompanyCopy, batch))
    await _to_match(db, "company", (event for event in batch if event.company_id in changed))


@events.project(
    ConsortiumOpened, ConsortiumRevised, PartConfirmed, PartDeclined, ConsortiumClosed, keeps=[ConsortiumCopy]
)
async def keep_consortia(batch: Sequence[ConsortiumFacts], db: Db) -> None:
    """Hold the newest state of each consortium."""
    await newest_wins(db, ConsortiumCopy, batch)


@events.react(IntroductionMade)
async def note_introduction(event: IntroductionMade, db: Db) -> None:
    """The two parties know each other now."""
    await _take(db, event.match_id, Step.INTRODUCE)


@events.react(IntroductionFailed)
async def note_failure(event: IntroductionFailed, db: Db) -> None:
    """The two parties could not be put in touch: nothing comes of the positive answer."""
    await _take(db, event.match_id, Step.FAIL)


async def _take(db: Db, match_id: UUID, step: Step) -> None:
    """Take a step if the match's life has it; if not, something else ended it meanwhile."""
    match = await db.get_one(Match, match_id, with_for_update=True)
    if possible(MatchState(match.state), step):
        take(db, match, step)


async def _to_match(db: Db, kind: str, batch: Iterable[NeedEvent | ProposalEvent | CompanyFacts]) -> None:
    newest = {getattr(event, event.key): event for event in sorted(batch, key=lambda event: event.version)}
    if not newest:
        return
    rows = [
        {"id": key, "kind": kind, "traceparent": event.envelope.traceparent} for key, event in sorted(newest.items())
    ]
    waiting = insert(ToMatch).values(rows)
    await db.execute(
        waiting.on_conflict_do_update(
            index_elements=["id"],
            set_={
                "kind": waiting.excluded.kind,
                "version": waiting.excluded.version,
                "traceparent": waiting.excluded.traceparent,
                "leased_until": None,
            },
        )
    )
