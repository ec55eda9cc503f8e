"""A score is a probability, monotone in all that is seen, and the sum of its parts."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.matching.scoring.combiner import BASE, SHIPPED, SIGNALS, Combiner, sigmoid

VALUES = some.floats(-20, 20)
SEEN = some.fixed_dictionaries({name: VALUES for name in SIGNALS})
WEIGHTS = some.fixed_dictionaries({name: some.floats(0, 5) for name in SIGNALS})
COMBINERS = some.builds(Combiner, some.just("any"), some.floats(-10, 10), WEIGHTS)


@given(COMBINERS, SEEN)
def test_the_parts_add_up_to_the_score(combiner: Combiner, signals: dict[str, float]) -> None:
    parts = combiner.parts(signals)
    assert parts.keys() == {BASE, *SIGNALS}
    assert math.fsum(parts.values()) == pytest.approx(combiner.probability(signals), abs=1e-8)


@given(COMBINERS, SEEN)
def test_a_part_has_the_sign_of_its_signal(combiner: Combiner, signals: dict[str, float]) -> None:
    parts = combiner.parts(signals)
    assert all(parts[name] * signals[name] * combiner.weights[name] >= 0 for name in SIGNALS)


@given(COMBINERS, SEEN, some.sampled_from(SIGNALS), some.floats(0, 20))
def test_more_of_a_signal_never_lowers_the_score(combiner: Combiner, signals: Any, name: str, more: float) -> None:
    assert combiner.probability(signals | {name: signals[name] + more}) >= combiner.probability(signals)


@pytest.mark.parametrize("nearly", [0.0, 1e-9, 1e-5])
def test_signals_that_cancel_each_other_out_still_have_their_parts(nearly: float) -> None:
    combiner = Combiner("even", -1.0, {"meaning": 1.0, "second": 1.0})
    parts = combiner.parts({"meaning": 2.0 + nearly, "second": -2.0})
    steepness = sigmoid(-1.0) * (1 - sigmoid(-1.0))
    assert parts["meaning"] == pytest.approx(2 * steepness, rel=1e-4)
    assert parts["second"] == pytest.approx(-2 * steepness, rel=1e-4)


def test_a_pair_of_which_nothing_is_seen_has_the_base_alone() -> None:
    assert SHIPPED.parts({}) == {BASE: SHIPPED.probability({})}


@pytest.mark.parametrize(("log_odds", "expected"), [(-2_000.0, 0.0), (0.0, 0.5), (2_000.0, 1.0)])
def test_a_probability_stays_one_however_sure(log_odds: float, expected: float) -> None:
    assert sigmoid(log_odds) == expected
