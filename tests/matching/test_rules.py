"""What makes a match, and what keeps two sides from being one."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.matching import rules
from services.matching.rules import THRESHOLD, Features, Fit, best, match_id, nearest
from services.matching.scoring.combiner import SHIPPED, SIGNALS
from shared.vocabulary import Challenge, Partnership, Region

NEAR = {"meaning": 2.5, "second": 1.5, "words": 1.0, "names": 1.0}
FAR = dict.fromkeys(NEAR, 0.0)

side = some.builds(Features, some.frozensets(some.integers(1, 11), min_size=1).map(frozenset))
texts = some.fixed_dictionaries({name: some.floats(-20, 20) for name in NEAR})


def features(*challenges: int) -> Features:
    """One side."""
    return Features(frozenset(challenges))


def fit(need: Features, proposal: Features, seen: dict[str, float]) -> Fit:
    """By the combiner that is shipped."""
    return rules.fit(need, proposal, seen, SHIPPED)


def good(score: float) -> Fit:
    """A pair with a common challenge."""
    return Fit(score, (4,), ())


@given(need=side, proposal=side, seen=texts)
def test_a_score_is_between_0_and_1_and_made_of_what_was_seen(
    need: Features, proposal: Features, seen: dict[str, float]
) -> None:
    found = fit(need, proposal, seen)
    assert 0 <= found.score <= 1
    assert found.score == pytest.approx(SHIPPED.probability(found.signals), abs=0.0005)
    assert set(found.signals) == set(SIGNALS)


@given(need=side, proposal=side, seen=texts)
def test_sides_without_a_common_challenge_never_match(
    need: Features, proposal: Features, seen: dict[str, float]
) -> None:
    found = fit(need, proposal, seen)
    assert set(found.challenges) == need.challenges & proposal.challenges
    assert found.challenges or not found.good


@given(need=side, proposal=side, seen=texts, name=some.sampled_from(list(NEAR)), more=some.floats(0, 10))
def test_nothing_that_is_seen_more_of_lowers_the_score(
    need: Features, proposal: Features, seen: dict[str, float], name: str, more: float
) -> None:
    assert fit(need, proposal, {**seen, name: seen[name] + more}).score >= fit(need, proposal, seen).score


def test_what_is_more_likely_good_than_not_is_a_match() -> None:
    assert fit(features(4), features(4), NEAR).good
    assert not fit(features(4), features(4), FAR).good
    assert THRESHOLD == 0.5


def test_more_common_challenges_score_higher() -> None:
    all_, half, one = (fit(features(4, 5), features(*other), NEAR).score for other in ((4, 5), (4,), (4, 6)))
    assert all_ > half > one


def test_reasons_name_each_common_challenge_and_the_nearness() -> None:
    *challenges, nearness = fit(features(5, 4, 1), features(4, 5, 11), NEAR).reasons
    assert challenges == [f"Both under challenge {number}: {Challenge(number).title}" for number in (4, 5)]
    assert nearness == "The texts are very close in meaning (+5.0 deviations from unrelated ones in these languages)"


def test_the_technical_names_that_both_use_are_a_reason() -> None:
    one, other = (replace(features(4), names=frozenset(names)) for names in ({"PFAS", "RO"}, {"RO", "PFAS", "MBR"}))
    assert fit(one, other, NEAR).reasons[-1] == "Both name: PFAS, RO"


def test_a_pair_has_one_match_id_and_no_other_pair_has_it() -> None:
    need, proposal = uuid4(), uuid4()
    assert match_id(need, proposal) == match_id(need, proposal)
    assert match_id(need, proposal) not in (match_id(proposal, need), match_id(need, uuid4()))


def test_the_best_ten_are_kept_ties_by_id() -> None:
    fits = [(uuid4(), good(score)) for score in (0.5, 0.9, 0.7) for _ in range(5)]
    expected = sorted(fits, key=lambda each: (-each[1].score, each[0]))[:10]
    assert list(best(fits).items()) == expected


def test_what_is_below_the_threshold_is_not_kept() -> None:
    assert best([(uuid4(), good(THRESHOLD - 0.001)), (uuid4(), Fit(1.0, (), ()))]) == {}


def test_a_match_that_still_fits_is_kept_however_many_are_better() -> None:
    held = UUID(int=0)
    fits = [(held, good(THRESHOLD)), *((uuid4(), good(0.9)) for _ in range(20))]
    chosen = best(fits, {held})
    assert held in chosen
    assert len(chosen) == 11


def rich(**known: Any) -> Features:
    """A side that says more than a title and challenges."""
    return replace(features(4), **known)


@pytest.mark.parametrize(
    ("need", "proposal", "reason"),
    [
        ({"regions": {Region.HEBEI}}, {"regions": {Region.SHAANXI}}, "The proposal prefers other regions"),
        ({"trl": 7}, {"trl": 6}, "The need asks for technology readiness level 7; the proposal has 6"),
        (
            {"partnerships": {Partnership.LICENCE}},
            {"partnerships": {Partnership.SALE, Partnership.PILOT}},
            "They seek different kinds of partnership",
        ),
    ],
)
def test_a_constraint_that_fails_is_no_match_however_near_the_texts(
    need: dict[str, Any], proposal: dict[str, Any], reason: str
) -> None:
    found = fit(rich(**need), rich(**proposal), NEAR)
    assert (found.good, found.failed) == (False, (reason,))


@pytest.mark.parametrize(
    ("need", "proposal"),
    [
        ({"regions": {Region.HEBEI}}, {}),
        ({"regions": {Region.HEBEI}}, {"regions": {Region.HEBEI, Region.CHENGDU}}),
        ({"trl": 7}, {"trl": 7}),
        ({"trl": 7}, {}),
        ({}, {"trl": 1}),
        ({"partnerships": {Partnership.SALE}}, {}),
        ({"partnerships": {Partnership.SALE}}, {"partnerships": {Partnership.SALE, Partnership.PILOT}}),
    ],
)
def test_what_one_side_leaves_open_keeps_nobody_out(need: dict[str, Any], proposal: dict[str, Any]) -> None:
    assert fit(rich(**need), rich(**proposal), NEAR).good


def test_a_miss_says_everything_that_keeps_it_from_being_a_match() -> None:
    found = fit(rich(trl=7), replace(rich(trl=6), challenges=frozenset({5})), FAR)
    assert found.failed == (
        "The need asks for technology readiness level 7; the proposal has 6",
        "They come under no common challenge",
        f"The score of {found.score} is below {THRESHOLD}",
    )


def test_the_nearest_five_misses_come_best_first_and_no_match_is_among_them() -> None:
    misses = [(uuid4(), good(score)) for score in (0.1, 0.3, 0.2, 0.0, 0.25, 0.05)]
    expected = sorted(misses, key=lambda each: -each[1].score)[:5]
    assert list(nearest([(uuid4(), good(0.9)), *misses]).items()) == expected
