"""What makes a match, and what keeps two sides from being one."""

from dataclasses import replace
from itertools import combinations_with_replacement
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.matching.rules import (
    ELSEWHERE,
    LEAST,
    MOST,
    OVERLAP,
    THRESHOLD,
    UNRELATED,
    Features,
    Fit,
    best,
    closeness,
    fit,
    match_id,
    nearest,
)
from shared.vocabulary import Challenge, Language, Partnership, Region

LIMIT = UNRELATED[frozenset({Language.ENGLISH})] + LEAST - OVERLAP + THRESHOLD * (MOST - LEAST)
"""The cosine at which two English titles under the same challenges become a match."""

side = some.builds(
    Features, some.sampled_from(Language), some.frozensets(some.integers(1, 11), min_size=1).map(frozenset)
)
cosine = some.floats(-1, 1)


def features(*challenges: int, language: Language = Language.ENGLISH) -> Features:
    """One side."""
    return Features(language, frozenset(challenges))


def good(score: float) -> Fit:
    """A pair with a common challenge."""
    return Fit(score, (4,), ())


@given(need=side, proposal=side, cosine=cosine)
def test_a_score_is_between_0_and_1_and_the_same_from_both_sides(
    need: Features, proposal: Features, cosine: float
) -> None:
    found = fit(need, proposal, cosine)
    assert 0 <= found.score <= 1
    assert found == fit(proposal, need, cosine)


@given(need=side, proposal=side, cosine=cosine)
def test_sides_without_a_common_challenge_never_match(need: Features, proposal: Features, cosine: float) -> None:
    found = fit(need, proposal, cosine)
    assert set(found.challenges) == need.challenges & proposal.challenges
    assert found.challenges or not found.good


@given(need=side, proposal=side, near=cosine, far=cosine)
def test_a_nearer_title_never_scores_lower(need: Features, proposal: Features, near: float, far: float) -> None:
    near, far = max(near, far), min(near, far)
    assert fit(need, proposal, near).score >= fit(need, proposal, far).score


def test_the_threshold_parts_matches_from_the_rest() -> None:
    assert fit(features(4), features(4), LIMIT + 0.0001).good
    assert not fit(features(4), features(4), LIMIT - 0.0001).good


def test_more_common_challenges_score_higher() -> None:
    all_, half, one = (fit(features(4, 5), features(*other), LIMIT).score for other in ((4, 5), (4,), (4, 6)))
    assert all_ > half > one


def test_the_same_cosine_says_more_where_unrelated_titles_are_further_apart() -> None:
    chinese = features(4, language=Language.CHINESE)
    assert fit(chinese, features(4), LIMIT).score > fit(features(4), features(4), LIMIT).score


def test_every_pair_of_languages_has_a_mean_of_its_own() -> None:
    assert set(UNRELATED) == {frozenset(pair) for pair in combinations_with_replacement(Language, 2)}


def test_reasons_name_each_common_challenge_and_the_nearness() -> None:
    *challenges, nearness = fit(features(5, 4, 1), features(4, 5, 11), 0.99).reasons
    assert challenges == [f"Both under challenge {number}: {Challenge(number).title}" for number in (4, 5)]
    assert nearness.startswith("The titles are very close in meaning")


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
def test_a_constraint_that_fails_is_no_match_however_near_the_titles(
    need: dict[str, Any], proposal: dict[str, Any], reason: str
) -> None:
    found = fit(rich(**need), rich(**proposal), 1.0)
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
    assert fit(rich(**need), rich(**proposal), 1.0).good


def test_a_miss_says_everything_that_keeps_it_from_being_a_match() -> None:
    found = fit(rich(trl=7), replace(rich(trl=6), challenges=frozenset({5})), 0.8)
    assert found.failed == (
        "The need asks for technology readiness level 7; the proposal has 6",
        "They come under no common challenge",
        f"The score of 0.0 is below {THRESHOLD}",
    )


def test_the_nearest_five_misses_come_best_first_and_no_match_is_among_them() -> None:
    misses = [(uuid4(), good(score)) for score in (0.1, 0.3, 0.2, 0.0, 0.25, 0.05)]
    expected = sorted(misses, key=lambda each: -each[1].score)[:5]
    assert list(nearest([(uuid4(), good(0.9)), *misses]).items()) == expected


@pytest.mark.parametrize(("cosine", "near"), [(1.0, 1.0), (ELSEWHERE, 0.0), (0.5, 0.0), ((1 + ELSEWHERE) / 2, 0.5)])
def test_closeness_runs_from_unrelated_titles_to_the_same_words(cosine: float, near: float) -> None:
    assert closeness(cosine) == pytest.approx(near)
