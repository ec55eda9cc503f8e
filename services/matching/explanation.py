"""Why a match has its score: what adds up to it, the sentences that carried it, and what would have raised it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from pydantic import BaseModel

from services.matching import raising
from services.matching.access import readable
from services.matching.constraints import Conditions, Constraint, Kind, constraints
from services.matching.current import READER, Current, outside, prepared
from services.matching.embeddings import encoded
from services.matching.models import Match, NeedCopy, ProposalCopy
from services.matching.pairs import RATES, need_features, proposal_features
from services.matching.rules import Fit, fit
from services.matching.scoring.background import Matrix, Prepared, Side, unit
from services.matching.scoring.breakdown import Part, parts_of
from services.matching.scoring.evidence import Met, Shared, foremost, met, shared_names, shared_words
from services.matching.scoring.scorer import seen
from services.matching.scoring.sentences import Quote, sentences
from services.matching.scoring.texts import Text
from services.matching.steps import today
from services.matching.tiers import reads_need, reads_proposal
from shared.auth import CurrentCaller
from shared.db import Sessions
from shared.http import Session, queries

read = queries()


class Versions(BaseModel):
    """What was compared, by what, and how it came out."""

    need_version: int
    proposal_version: int
    model: str
    score: float


class Carried(BaseModel):
    """Two sentences that met; a text that the caller may not read is not quoted."""

    need: Quote | None
    proposal: Quote | None
    closeness: float
    shared: tuple[str, ...]


class Checked(BaseModel):
    """Something that both sides state."""

    kind: Kind
    words: str | None
    """For those who may read both texts."""


class Explanation(BaseModel):
    """Why two texts have their score."""

    match_id: UUID
    explained: Versions
    """The texts as they stand now."""
    matched: Versions
    """The match, as it was made."""
    note: str | None
    """What to know if the two are not the same."""
    parts: tuple[Part, ...]
    """They add up to the score."""
    sentences: tuple[Carried, ...]
    """Those that are nearest to each other in meaning, best first."""
    shared: tuple[Shared, ...]
    """Technical names and words that both use; for those who may read both texts."""
    passed: tuple[Checked, ...]
    """What both state and agree on."""
    failed: tuple[Checked, ...]
    """What rules a match out, however high the score."""
    raised_by: tuple[raising.Change, ...]
    """What would have raised the score, if it is so."""


@dataclass(frozen=True)
class _Pair:
    """The two sides, ready to be compared."""

    need: NeedCopy
    proposal: ProposalCopy
    asked: Prepared
    offered: Prepared
    signals: Mapping[str, float]


@read.get("/matches/{match_id}/explanation")
async def explain_match(match_id: UUID, caller: CurrentCaller, db: Session) -> Explanation:
    """Why a match has its score, with what the caller may read of its texts."""
    match = await readable(db, match_id, caller)
    need, proposal = await db.get_one(NeedCopy, match.need_id), await db.get_one(ProposalCopy, match.proposal_id)
    known = Conditions(await today(db), RATES.yuan_per_euro)
    async with outside(db) as (elsewhere, now):
        pair = await _compared(elsewhere, now, need, proposal)
        whole = await _explained(elsewhere, now, match, pair, known)
    return _readable(whole, need=reads_need(caller, match), proposal=reads_proposal(caller, match))


async def _compared(sessions: Sessions, now: Current, need: NeedCopy, proposal: ProposalCopy) -> _Pair:
    (asked,) = await prepared(sessions, now, Side.NEED, [need.text])
    (offered,) = await prepared(sessions, now, Side.PROPOSAL, [proposal.text])
    (signals,) = seen(now.background, Side.NEED, asked, [offered])
    return _Pair(need, proposal, asked, offered, signals)


async def _explained(sessions: Sessions, now: Current, match: Match, pair: _Pair, known: Conditions) -> Explanation:
    """All of it, whoever asks."""
    asked = need_features(pair.need, pair.asked.names)
    offered = proposal_features(pair.proposal, pair.offered.names)
    found = fit(asked, offered, pair.signals, now.combiner, known)
    shared = _shared(pair)
    checked = constraints(asked, offered, known)
    explained, matched = _now(pair, now, found), Versions.model_validate(match.model_dump())
    return Explanation(
        match_id=match.match_id,
        explained=explained,
        matched=matched,
        note=_note(explained, matched),
        parts=parts_of(now.combiner, found.signals, across=pair.asked.language is not pair.offered.language),
        sentences=tuple(map(_carried, await _met(sessions, now, pair, shared))),
        shared=shared,
        passed=tuple(_checked(each) for each in checked if each.passed),
        failed=tuple(_checked(each) for each in checked if not each.passed),
        raised_by=raising.raises(asked, offered, pair.signals, now.combiner),
    )


def _now(pair: _Pair, now: Current, found: Fit) -> Versions:
    return Versions(
        need_version=pair.need.version, proposal_version=pair.proposal.version, model=now.model, score=found.score
    )


def _note(explained: Versions, matched: Versions) -> str | None:
    if explained == matched:
        return None
    texts = ("need_version", "proposal_version")
    newer = [name.partition("_")[0] for name in texts if getattr(explained, name) != getattr(matched, name)]
    if newer:
        return (
            f"The match was made with another version of the {' and of the '.join(newer)}: this explains those held now"
        )
    return "The match was scored by another model: this explains the score that the present one gives"


def _shared(pair: _Pair) -> tuple[Shared, ...]:
    texts = pair.need.text, pair.proposal.text
    weighed = pair.asked.rows["whole words"], pair.offered.rows["whole words"]
    return (*shared_names(*texts), *shared_words(*texts, *weighed))


async def _met(sessions: Sessions, now: Current, pair: _Pair, shared: tuple[Shared, ...]) -> list[Met]:
    """The sentences that are nearest in meaning, by the model that reads all languages."""
    needs = foremost(sentences(pair.need.text), [place for each in shared for place in each.need])
    proposals = foremost(sentences(pair.proposal.text), [place for each in shared for place in each.proposal])
    quotes = [each.quote for each in (*needs, *proposals)]
    vectors = (await encoded(sessions, {READER: quotes}))[READER]
    one = _centred(now, Side.NEED, pair.need.text, vectors[: len(needs)])
    other = _centred(now, Side.PROPOSAL, pair.proposal.text, vectors[len(needs) :])
    return met(one @ other.T, needs, proposals, shared)


def _centred(now: Current, side: Side, text: Text, vectors: Matrix) -> Matrix:
    """Sentences are near to headings, whose mean is known."""
    return unit(vectors - now.background.corpus(side, text.language).means[READER][0])


def _checked(constraint: Constraint) -> Checked:
    return Checked(kind=constraint.kind, words=constraint.words)


def _carried(pair: Met) -> Carried:
    return Carried(need=pair.need, proposal=pair.proposal, closeness=pair.closeness, shared=pair.shared)


def _readable(whole: Explanation, *, need: bool, proposal: bool) -> Explanation:
    """As much of it as one may read who may read these texts; what is said of both, only with both."""
    if need and proposal:
        return whole
    quoted = (
        Carried(
            need=each.need if need else None,
            proposal=each.proposal if proposal else None,
            closeness=each.closeness,
            shared=(),
        )
        for each in whole.sentences
    )
    changes = {
        "sentences": tuple(quoted),
        "shared": (),
        "passed": tuple(each.model_copy(update={"words": None}) for each in whole.passed),
        "failed": tuple(each.model_copy(update={"words": None}) for each in whole.failed),
        "raised_by": tuple(replace(each, terms=()) for each in whole.raised_by),
    }
    return whole.model_copy(update=changes)
