"""The matching worker: takes what is to be matched, embeds it, and finds its matches, or what came nearest to one.

Embedding takes as long as a dozen queries, so it happens outside any transaction. The vector is committed before the
search begins: of a need and a proposal stored at the same moment, whichever commits last sees the other.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from typing import Any
from uuid import UUID

from opentelemetry.trace import Span
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from services.matching.constraints import Conditions
from services.matching.current import Current, current, prepared
from services.matching.life import LIVE, PLATFORM, Step, possible, presents
from services.matching.misses import note_miss
from services.matching.models import Match, NeedCopy, ProposalCopy, Side, ToMatch
from services.matching.pairs import RATES, Pairs, fits_of, pair_id, settles
from services.matching.parts import learn
from services.matching.presentation import thresholds
from services.matching.rules import Fit, best, match_id
from services.matching.scoring.background import Side as Scored
from services.matching.scoring.packing import packed, place, question, unpacked
from services.matching.search import Near, candidates
from services.matching.steps import clock_from, present, say, take, today
from services.matching.suggestions import CONSORTIUM, CONTRIBUTION, close, contribute, suggest
from shared.db import Db, Sessions
from shared.events import MatchState
from shared.telemetry import current_traceparent, step

LEASE = text(
    "update to_match set leased_until = now() + interval '30 seconds' where id = ("
    "select id from to_match where leased_until is null or leased_until < now() "
    "order by version limit 1 for update skip locked) returning id, kind, version, traceparent"
)


OTHERS = {"company": learn, CONSORTIUM: suggest, CONTRIBUTION: contribute}
"""What is done about the rows that have no need or proposal matched."""
ABOUT = {CONSORTIUM: "need", CONTRIBUTION: "proposal"}
"""Whose id a row has, where its kind does not say it."""
UNSEEN: dict[str, Any] = {"presented": False, "answer_by": None, "reminders": 0, "interested_at": None}
"""What a match that is found again begins with: its coordinator lets it through anew, or not."""


async def match_next(sessions: Sessions) -> bool:
    """Match one need or proposal, learn what one company is good at, or look for a consortium, if one waits."""
    async with sessions() as db:
        task = (await db.execute(LEASE)).first()
        if task is None:
            return False
        await db.commit()
    about = ABOUT.get(task.kind, task.kind)
    with step(f"match {task.kind}", task.traceparent, **{f"{about}_id": str(task.id)}):
        now = await current(sessions)
        if task.kind in OTHERS:
            await OTHERS[task.kind](sessions, now, task.id, task.version)
            return True
        await embed(sessions, now, task.kind, task.id, task.traceparent)
        async with sessions() as db, db.begin():
            await find_matches(db, now, task.id)
    return True


async def embed(sessions: Sessions, now: Current, kind: str, side_id: UUID, traceparent: str | None = None) -> None:
    """Make one side's newest text ready to be compared, with the trace it came with, and commit that."""
    async with sessions() as db:
        side = await _side(db, kind, side_id)
    if side.embedded(now.version):
        return
    (ready,) = await prepared(sessions, now, Scored(kind), [side.text])
    async with sessions() as db, db.begin():
        newest = await _side(db, kind, side_id, with_for_update=True)
        if newest.version == side.version:
            newest.embedding, newest.prepared = place(ready, Scored(kind)), packed(ready)
            newest.embedded_version, newest.background, newest.traceparent = side.version, now.version, traceparent


async def find_matches(db: Db, now: Current, side_id: UUID) -> None:
    """Bring one side's matches up to date, unless a newer text of it is still to be embedded."""
    task = await db.get(ToMatch, side_id, with_for_update=True)
    if task is None:
        return
    side = await _side(db, task.kind, side_id)
    if not side.embedded(now.version):
        return
    held = await _held(db, side)
    near = [] if side.gone else await _near(db, side, held)
    day = await today(db)
    fits = fits_of(now, Conditions(day, RATES.yuan_per_euro), side, near)
    pairs = _chosen(fits, held)
    settled = {pair_id(need, proposal) for need, proposal in near if settles(now, need, proposal)}
    await _retract(db, side, [match for match in held if side.gone or match.match_id in settled - pairs.keys()])
    await _keep_all(db, now.model, pairs, day)
    new = pairs.keys() - {match.match_id for match in held}
    if isinstance(side, ProposalCopy) and not (side.gone or new or any(match.state in LIVE for match in held)):
        await note_miss(db, side, fits, now.combiner)
    await close(db, task, side)


async def _side(db: Db, kind: str, side_id: UUID, **options: Any) -> Side:
    return await db.get_one(NeedCopy if kind == "need" else ProposalCopy, side_id, **options)


async def _held(db: Db, side: Side) -> Sequence[Match]:
    """The matches that this side has, locked."""
    mine = Match.need_id == side.need_id if isinstance(side, NeedCopy) else Match.proposal_id == side.proposal_id
    return (await db.scalars(select(Match).where(mine).order_by(col(Match.match_id)).with_for_update())).all()


def _counterpart(side: Side, match: Match) -> UUID:
    return match.proposal_id if isinstance(side, NeedCopy) else match.need_id


def _pair(need: UUID, proposal: UUID, trace: str | None) -> AbstractContextManager[Span]:
    """A span for one pair of the many that a worker's span may be about; it links to the proposal's trace."""
    ids = {"need_id": need, "proposal_id": proposal, "match_id": match_id(need, proposal)}
    texts = {name: str(value) for name, value in ids.items()}
    return step("match pair", current_traceparent(), link=trace, **texts)


async def _near(db: Db, side: Side, held: Sequence[Match]) -> Sequence[Near]:
    asked = question(unpacked(side.prepared or b""))
    return await candidates(db, side, asked, [_counterpart(side, match) for match in held])


def _chosen(fits: Pairs, held: Sequence[Match]) -> Pairs:
    """Those of which there is to be a match."""
    chosen = best(((key, scored) for key, (_, _, scored) in fits.items()), {match.match_id for match in held})
    # By id: two workers that lock the same matches do it in the same order.
    return {key: fits[key] for key in sorted(chosen)}


async def _retract(db: Db, side: Side, lost: Sequence[Match]) -> None:
    """End the matches of this side that no longer hold."""
    ends = Step.WITHDRAW if isinstance(side, ProposalCopy) and side.withdrawn else Step.RETRACT
    for match in lost:
        if possible(MatchState(match.state), ends):
            with _pair(match.need_id, match.proposal_id, match.traceparent):
                take(db, match, ends)


async def _keep_all(db: Db, model: str, pairs: Pairs, day: date) -> None:
    """Have a match of each of these pairs, and show to the regions what no coordinator wants to see first."""
    facts = {key: _facts(model, *pair) for key, pair in pairs.items()}
    matches, new = await _matches(db, facts)
    if not matches:
        return
    at_once = await thresholds(db, {proposal.provinces[0] for _, proposal, _ in pairs.values()})
    for key, (need, proposal, _) in pairs.items():
        with _pair(need.need_id, proposal.proposal_id, proposal.traceparent):
            _keep(db, matches[key], facts[key], day, at_once, new=key in new)


async def _matches(db: Db, facts: Mapping[UUID, dict[str, Any]]) -> tuple[dict[UUID, Match], set[UUID]]:
    """The matches with these ids, locked, and which were made just now: the other side may have been quicker."""
    if not facts:
        return {}, set()
    rows = [
        row | {"match_id": key, "version": 1, "state": MatchState.FOUND, "presented": False, "by": PLATFORM}
        for key, row in facts.items()
    ]
    made = await db.scalars(insert(Match).values(rows).on_conflict_do_nothing().returning(col(Match.match_id)))
    new = set(made)
    held = select(Match).where(col(Match.match_id).in_(facts)).order_by(col(Match.match_id)).with_for_update()
    matches = await db.scalars(held.execution_options(populate_existing=True))
    return {match.match_id: match for match in matches}, new


def _keep(
    db: Db, match: Match, facts: dict[str, Any], day: date, at_once: Mapping[str, float | None], *, new: bool
) -> None:
    """Say that this match was made, or bring it up to date; only newer texts and what is unanswered are touched."""
    state = MatchState(match.state)
    if new:
        say(db, match, Step.FIND)
    elif not _newer(match, facts):
        return
    elif possible(state, Step.FIND):
        take(db, match, Step.FIND, **facts, **UNSEEN)
    elif possible(state, Step.REVISE):
        restarted = clock_from(day) if state is MatchState.PRESENTED else {}
        take(db, match, Step.REVISE, **facts, **restarted)
    if match.state == MatchState.FOUND and presents(at_once[facts["provinces"][0]], match.score):
        present(db, match, day)


def _facts(model: str, need: NeedCopy, proposal: ProposalCopy, found: Fit) -> dict[str, Any]:
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
        "signals": dict(found.signals),
        "model": model,
        "kind": proposal.kind,
        "traceparent": proposal.traceparent,
    }


def _newer(match: Match, facts: dict[str, Any]) -> bool:
    """Whether these facts are of newer texts, or of another model, than the match's own."""
    held = (match.need_version, match.proposal_version)
    seen = (facts["need_version"], facts["proposal_version"])
    return all(s >= h for s, h in zip(seen, held, strict=True)) and (seen, facts["model"]) != (held, match.model)
