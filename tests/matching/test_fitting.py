"""Fitting: what was judged is learned, monotone, and little of it moves little."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from services.matching.scoring.combiner import SHIPPED, SIGNALS, Combiner
from services.matching.scoring.fitting import NEGATIVES, Case, calibrated, cross_fitted, fitted, unjudged
from services.matching.scoring.reliability import calibration_error, log_losses, mean, reliability

TRUTH = Combiner("truth", -4.0, {"meaning": 0.4, "second": 0.4, "words": 3.0, "names": 1.5, "challenges": 0.2})
"""Where words and names tell more than the shipped combiner thinks."""
JUDGED = some.builds(
    Case,
    some.sampled_from(["a", "b", "c"]),
    some.dictionaries(some.sampled_from(SIGNALS), some.floats(-8, 8)),
    some.booleans(),
)


def judged(truth: Combiner, needs: int, each: int = 4, seed: int = 1, shown: float = 0.0) -> list[Case]:
    """Pairs that are as good as a combiner says; only those that are shown, from a probability on."""
    dice, cases = Random(seed), list[Case]()
    while len(cases) < needs * each:
        signals = {name: dice.gauss(0.8, 1.2) for name in SIGNALS}
        if SHIPPED.probability(signals) >= shown:
            good = dice.random() < truth.probability(signals)
            cases.append(Case(f"need {len(cases) // each}", signals, good))
    return cases


def loss(combiner: Combiner, cases: list[Case]) -> float:
    """The mean log loss."""
    return mean(log_losses([combiner.probability(case.signals) for case in cases], [case.good for case in cases]))


def test_what_the_answers_say_is_learned() -> None:
    learned, unseen = fitted(judged(TRUTH, 200), SHIPPED), judged(TRUTH, 200, seed=2)
    assert loss(learned, unseen) < loss(SHIPPED, unseen) - 0.05
    assert loss(learned, unseen) < loss(TRUTH, unseen) + 0.02
    assert learned.weights["words"] > 2 * SHIPPED.weights["words"] > 2 * learned.weights["meaning"]


@given(some.lists(JUDGED, min_size=1, max_size=60))
@settings(deadline=None, max_examples=40)
def test_whatever_is_said_no_weight_is_ever_negative(cases: list[Case]) -> None:
    assert min(fitted(cases, SHIPPED).weights.values()) >= 0
    assert min(calibrated([cases], SHIPPED).weights.values()) >= 0


def test_answers_against_a_signal_end_its_weight_and_do_not_turn_it() -> None:
    cases = [Case(str(place), {"words": -2.0 if good else 2.0}, good) for place in range(100) for good in (True, False)]
    assert fitted(cases, SHIPPED).weights["words"] == 0


def test_two_answers_move_little() -> None:
    cases = [Case("a", {"meaning": 3.0}, False), Case("b", {"meaning": 3.0}, False)]
    learned = fitted(cases, SHIPPED)
    assert learned.weights["meaning"] == pytest.approx(SHIPPED.weights["meaning"], abs=0.3)
    assert learned.weights["words"] == pytest.approx(SHIPPED.weights["words"], abs=1e-3)


def test_what_has_nothing_in_common_stays_no_match_though_nobody_says_so() -> None:
    dice = Random(3)
    shown = judged(SHIPPED, 300, shown=0.3)
    answered = [Case(case.need, case.signals, dice.random() < 0.7) for case in shown]
    assert fitted(answered, SHIPPED).probability({}) < 0.05


def test_a_calibration_makes_probabilities_hold_and_keeps_the_order() -> None:
    sure = Combiner("sure", -1.0, {name: 3 * weight for name, weight in SHIPPED.weights.items()})
    cases = judged(SHIPPED, 500)
    found = calibrated([cases], sure)
    good = [case.good for case in cases]
    errors = [
        calibration_error(reliability([each.probability(case.signals) for case in cases], good))
        for each in (sure, found)
    ]
    assert errors[0] > 0.1 > 0.03 > errors[1]
    assert found.weights == {name: pytest.approx(SHIPPED.weights[name], rel=0.15) for name in SIGNALS}
    assert found.bias == pytest.approx(SHIPPED.bias, abs=0.5)


def test_the_sets_of_a_calibration_weigh_the_same() -> None:
    good, bad = Case("a", {}, True), Case("b", {}, False)
    assert calibrated([[good], [bad] * 50], SHIPPED).probability({}) == pytest.approx(0.5, abs=1e-3)


def test_no_case_is_judged_by_what_was_learned_of_its_own_need() -> None:
    cases = judged(SHIPPED, 9, each=3)
    seen: list[set[str]] = []

    def share(others: object) -> Combiner:
        seen.append({case.need for case in others})  # type: ignore[attr-defined]
        return Combiner("told", float(len(seen)), dict.fromkeys(SIGNALS, 0.0))

    said = cross_fitted(cases, share, folds=4)
    combiners = [Combiner("told", float(each + 1), {}).probability({}) for each in range(len(seen))]
    fold = {case.need: combiners.index(each) for case, each in zip(cases, said, strict=True)}
    assert all(need not in seen[place] for need, place in fold.items())
    assert sorted(map(len, seen)) == [6, 7, 7, 7]


def test_unjudged_are_drawn_by_chance_but_each_time_the_same() -> None:
    proposals = [str(place) for place in range(100)]
    judged_ones = {"3", "4"}
    drawn = unjudged("a need", proposals, judged_ones)
    assert drawn == unjudged("a need", proposals, judged_ones)
    assert drawn != unjudged("another", proposals, judged_ones)
    assert len({*drawn} - judged_ones) == NEGATIVES
    assert unjudged("a need", ["3", "5"], judged_ones) == ["5"]
