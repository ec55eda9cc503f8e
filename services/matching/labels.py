"""What an answer says of the pair itself: that it is a good match, that it is none, or neither.

Rules as in rules.py: values in, a decision out.
"""

from services.matching.life import Step
from shared.events import Outcome
from shared.vocabulary import Objection

ANSWERS = frozenset({Step.SHORTLIST, Step.VETO, Step.ACCEPT, Step.DECLINE, Step.OUTCOME})
"""The steps by which somebody says what a match is worth; silence says nothing, so an expiry is none of them."""
POSITIVE = frozenset({Step.SHORTLIST, Step.ACCEPT})
UNFIT = frozenset({Objection.NOT_A_FIT, Objection.NOT_MATURE, Objection.WRONG_SCALE})
"""Objections to the pair. A bad moment, a price, a problem that is solved, a text that is unclear and a reason that
nobody named would be the same with a pair that fits."""


def judgement(step: Step, objection: Objection | None, outcome: Outcome | None) -> bool | None:
    """Whether this answer says that the two are a good match; None if it says neither yes nor no."""
    if step in POSITIVE or (step is Step.OUTCOME and outcome is not Outcome.NOTHING):
        return True
    return False if objection in UNFIT else None
