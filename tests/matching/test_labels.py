"""What an answer says of the pair itself."""

import pytest

from services.matching.labels import ANSWERS, judgement
from services.matching.life import WHO, Step
from shared.events import Outcome
from shared.vocabulary import Objection, Role


@pytest.mark.parametrize("step", [Step.SHORTLIST, Step.ACCEPT])
def test_a_yes_says_that_the_two_fit(step: Step) -> None:
    assert judgement(step, None, None) is True


@pytest.mark.parametrize("outcome", [Outcome.MEETING, Outcome.PILOT, Outcome.CONTRACT])
def test_what_came_of_an_introduction_says_that_the_two_fit(outcome: Outcome) -> None:
    assert judgement(Step.OUTCOME, None, outcome) is True


@pytest.mark.parametrize(
    ("step", "outcome"), [(Step.VETO, None), (Step.DECLINE, None), (Step.OUTCOME, Outcome.NOTHING)]
)
def test_a_no_counts_only_if_it_is_about_the_pair(step: Step, outcome: Outcome | None) -> None:
    said = {objection: judgement(step, objection, outcome) for objection in Objection}
    against = {Objection.NOT_A_FIT, Objection.NOT_MATURE, Objection.WRONG_SCALE}
    assert said == {objection: False if objection in against else None for objection in Objection}


def test_only_people_answer() -> None:
    assert frozenset().union(*(WHO[role] for role in Role if role in WHO)) >= ANSWERS
