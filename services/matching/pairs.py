"""Which of the pairs that a search found can be compared now, and how well they fit."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.matching.constraints import Conditions, budget, capacity, price, scale
from services.matching.current import Current
from services.matching.models import NeedCopy, ProposalCopy, Side
from services.matching.rules import Features, Fit, fit, match_id
from services.matching.scoring.background import Prepared
from services.matching.scoring.background import Side as Scored
from services.matching.scoring.packing import unpacked
from services.matching.scoring.scorer import seen
from services.matching.search import Near
from shared.settings import Rates
from shared.vocabulary import Language, Partnership, Region

RATES = Rates()
"""Read at once, so that a service with a wrong one does not start."""
Pairs = Mapping[UUID, tuple[NeedCopy, ProposalCopy, Fit]]
"""Needs and proposals with how well they fit, by their match's id."""


def pair_id(need: NeedCopy, proposal: ProposalCopy) -> UUID:
    """The id of their match."""
    return match_id(need.need_id, proposal.proposal_id)


def settles(now: Current, need: NeedCopy, proposal: ProposalCopy) -> bool:
    """Whether it can be said now if these two fit; if not, the one to be embedded first says it, and sees the other."""
    return need.gone or proposal.gone or (need.embedded(now.version) and proposal.embedded(now.version))


def fits_of(now: Current, known: Conditions, side: Side, near: Sequence[Near]) -> Pairs:
    """How well one side fits each of its counterparts of which that can be said now."""
    pairs = [pair for pair in near if settles(now, *pair) and not (pair[0].gone or pair[1].gone)]
    if not pairs:
        return {}
    one = unpacked(side.prepared or b"")
    if isinstance(side, NeedCopy):
        kind, own = Scored.NEED, need_features(side, one.names)
    else:
        kind, own = Scored.PROPOSAL, proposal_features(side, one.names)
    others = [unpacked((proposal if need is side else need).prepared or b"") for need, proposal in pairs]
    found = {}
    for (need, proposal), other, signals in zip(pairs, others, seen(now.background, kind, one, others), strict=True):
        asks = own if need is side else need_features(need, other.names)
        offers = own if proposal is side else proposal_features(proposal, other.names)
        found[pair_id(need, proposal)] = need, proposal, fit(asks, offers, signals, now.combiner, known)
    return found


def closenesses(now: Current, part: Prepared, offers: Sequence[Prepared]) -> list[float]:
    """With which probability each offer is good for a part of a need or of a consortium: 0 to 1."""
    found = seen(now.background, Scored.NEED, part, offers) if offers else []
    return [round(now.combiner.probability(signals), 3) for signals in found]


def need_features(need: NeedCopy, names: frozenset[str]) -> Features:
    """What is known of a need beside how near it is; the technical names are its text's."""
    return Features(
        frozenset(need.challenges),
        names,
        bool(need.body),
        regions=frozenset({Region(need.region)}),
        trl=need.minimum_trl,
        partnerships=frozenset(map(Partnership, need.partnerships)),
        deadline=need.deadline,
        sizes=capacity(need.capacity),
        money=budget(need.budget),
    )


def proposal_features(proposal: ProposalCopy, names: frozenset[str]) -> Features:
    """What is known of a proposal beside how near it is; the technical names are its text's."""
    return Features(
        frozenset(proposal.challenges),
        names,
        bool(proposal.body),
        regions=frozenset(map(Region, proposal.regions)),
        trl=proposal.maturity["trl"] if proposal.maturity else None,
        partnerships=frozenset(map(Partnership, proposal.partnerships)),
        sizes=scale(proposal.scale, Language(proposal.language)),
        money=price(proposal.price),
    )
