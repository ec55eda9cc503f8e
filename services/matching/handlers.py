"""Matching listens: it keeps a searchable copy and notes what is to be matched; its worker does the rest."""

from collections.abc import Iterable, Sequence

from sqlalchemy.dialects.postgresql import insert

from services.matching.models import Match, NeedCopy, ProposalCopy, ToMatch
from services.matching.steps import take
from shared.bus import Handlers
from shared.db import Db, newest_wins
from shared.events import (
    IntroductionMade,
    MatchIntroduced,
    MatchState,
    NeedClosed,
    NeedEvent,
    NeedPosted,
    NeedRevised,
    ProposalEvent,
    ProposalRevised,
    ProposalSubmitted,
    ProposalWithdrawn,
)

events = Handlers()


@events.project(NeedPosted, NeedRevised, NeedClosed)
async def keep_needs(batch: Sequence[NeedEvent], db: Db) -> None:
    """Hold the newest state of each need, and have its matches found."""
    changed = set(await newest_wins(db, NeedCopy, batch))
    await _to_match(db, "need", (event for event in batch if event.need_id in changed))


@events.project(ProposalSubmitted, ProposalRevised, ProposalWithdrawn)
async def keep_proposals(batch: Sequence[ProposalEvent], db: Db) -> None:
    """Hold the newest state of each proposal, and have its matches found."""
    changed = set(await newest_wins(db, ProposalCopy, batch))
    await _to_match(db, "proposal", (event for event in batch if event.proposal_id in changed))


@events.react(IntroductionMade)
async def note_introduction(event: IntroductionMade, db: Db) -> None:
    """The two parties know each other now: a fact, whatever else happened to the match meanwhile."""
    match = await db.get_one(Match, event.match_id, with_for_update=True)
    take(db, match, MatchIntroduced, MatchState.INTRODUCED)


async def _to_match(db: Db, kind: str, batch: Iterable[NeedEvent | ProposalEvent]) -> None:
    newest = {getattr(event, event.key): event for event in sorted(batch, key=lambda event: event.version)}
    if not newest:
        return
    rows = [
        {"id": key, "kind": kind, "version": event.version, "traceparent": event.envelope.traceparent}
        for key, event in sorted(newest.items())
    ]
    waiting = insert(ToMatch).values(rows)
    await db.execute(
        waiting.on_conflict_do_update(
            index_elements=["id"],
            set_={
                "version": waiting.excluded.version,
                "traceparent": waiting.excluded.traceparent,
                "leased_until": None,
            },
        )
    )
