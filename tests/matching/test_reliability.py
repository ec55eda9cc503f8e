"""Whether probabilities hold, in numbers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.matching.scoring.reliability import Bin, agreement, brier, calibration_error, log_losses, reliability

PAIRS = some.lists(some.tuples(some.floats(0, 1), some.booleans()), min_size=1)


def test_seven_in_ten_of_seven_in_ten_is_reliable() -> None:
    assert reliability([0.7] * 10, [True] * 7 + [False] * 3) == [Bin(0.7, 0.8, 10, pytest.approx(0.7), 0.7)]
    assert calibration_error(reliability([0.7] * 10, [True] * 7 + [False] * 3)) == pytest.approx(0)


def test_each_bin_weighs_as_many_as_it_has() -> None:
    bins = reliability([0.95] * 3 + [0.15], [True, True, False, False])
    assert [each.count for each in bins] == [1, 3]
    assert calibration_error(bins) == pytest.approx((0.15 + 3 * (0.95 - 2 / 3)) / 4)


def test_nothing_said_is_nothing_wrong() -> None:
    assert calibration_error(reliability([], [])) == 0


@given(PAIRS)
def test_every_pair_is_in_the_bin_of_what_was_said(pairs: list[tuple[float, bool]]) -> None:
    probabilities, good = zip(*pairs, strict=True)
    bins = reliability(probabilities, good)
    assert sum(each.count for each in bins) == len(pairs)
    assert all(each.low - 1e-9 <= each.said <= each.high + 1e-9 for each in bins)
    assert 0 <= calibration_error(bins) <= 1
    assert sum(each.good * each.count for each in bins) == pytest.approx(sum(good))


def test_who_is_sure_and_wrong_pays_much_but_not_without_end() -> None:
    right, unsure, wrong = log_losses([1.0, 0.5, 0.0], [True, True, True])
    assert (right, unsure) == (0, pytest.approx(math.log(2)))
    assert unsure < wrong < math.inf
    assert brier([1.0, 0.5, 0.0], [True, True, True]) == pytest.approx(1.25 / 3)


def test_agreement_is_within_a_group_and_a_tie_is_half() -> None:
    probabilities, good = [0.9, 0.1, 0.5, 0.5, 0.2], [True, False, True, False, True]
    assert agreement(probabilities, good, ["a", "a", "b", "b", "c"]) == 0.75
    assert agreement([0.9, 0.1], [True, True], ["a", "a"]) is None
