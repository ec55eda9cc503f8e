"""The best small set of companies for a need's parts, against trying every set there is."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from services.matching.composer import COVERED, MOST, PRICE, Covered, compose, covered

A, B, C, D = (UUID(int=number) for number in range(1, 5))


def worth(offers: Mapping[UUID, Sequence[float]], members: Sequence[UUID]) -> int:
    """What a set covers, in thousandths, less its price."""
    parts = zip(*(offers[each] for each in members), strict=True)
    best = [max(round(1_000 * close) if close >= COVERED else 0 for close in part) for part in parts]
    return sum(best) - round(1_000 * PRICE) * len(members)


def best_of_all(offers: Mapping[UUID, Sequence[float]]) -> tuple[UUID, ...]:
    """The best set: worth most, then the smallest, then the first by id; none is a set too."""
    sets = [each for size in range(MOST + 1) for each in combinations(sorted(offers), size)]
    return min(sets, key=lambda each: (-worth(offers, each), len(each), each))


# Few values, so that ties are common; any of them, so that they are not the rule.
closeness = some.one_of(
    some.sampled_from([0.0, 0.49, 0.5, 0.7, 0.8, 1.0]), some.integers(0, 1_000).map(lambda n: n / 1_000)
)


@some.composite
def puzzles(draw: some.DrawFn) -> tuple[int, dict[UUID, list[float]]]:
    """A need's parts, and what companies offer."""
    parts = draw(some.integers(2, 6))
    rows = draw(some.lists(some.lists(closeness, min_size=parts, max_size=parts), max_size=8))
    return parts, {UUID(int=number): row for number, row in enumerate(rows, 1)}


@settings(max_examples=300, deadline=None)
@given(puzzle=puzzles())
def test_no_set_is_better_than_the_one_that_is_found(puzzle: tuple[int, dict[UUID, list[float]]]) -> None:
    parts, offers = puzzle
    best = best_of_all(offers)
    found = compose(parts, offers)
    if len(best) < 2:
        assert found is None
        return
    assert found
    assert tuple(sorted(found.members)) == best
    for each in found.coverage:
        assert (
            each.closeness
            == max(offers[member][each.part - 1] for member in best)
            == offers[each.company_id][each.part - 1]
        )
        assert each.closeness >= COVERED
    assert sorted([*(each.part for each in found.coverage), *found.gaps]) == list(range(1, parts + 1))
    assert {each.company_id for each in found.coverage} == set(best), "each brings something"
    assert found.score == pytest.approx(covered(offers, best) / parts, abs=0.001)


@settings(max_examples=20, deadline=None)
@given(puzzle=puzzles(), copies=some.integers(2, 8))
def test_the_same_offers_of_many_companies_change_nothing(
    puzzle: tuple[int, dict[UUID, list[float]]], copies: int
) -> None:
    parts, offers = puzzle
    more = {UUID(int=1_000 * copy + each.int): row for copy in range(copies) for each, row in offers.items()}
    one, many = compose(parts, offers), compose(parts, more)
    assert (one and one.score) == (many and many.score)


def test_each_brings_what_it_is_best_at_and_who_covers_most_leads() -> None:
    found = compose(4, {A: [0.9, 0, 0, 0.1], B: [0.5, 0.8, 0.7, 0.2], C: [0.2, 0.3, 0.1, 0]})
    assert found
    assert found.members == (B, A)
    assert found.coverage == (Covered(1, A, 0.9), Covered(2, B, 0.8), Covered(3, B, 0.7))
    assert (found.gaps, found.score) == ((4,), 0.6)


def test_of_two_who_cover_as_many_parts_the_closer_one_leads_then_the_lower_id() -> None:
    closer, equal = compose(2, {A: [0.5, 0], B: [0, 0.6]}), compose(2, {A: [0, 0.5], B: [0.5, 0]})
    assert closer
    assert closer.members == (B, A)
    assert equal
    assert equal.members == (A, B)


def test_who_adds_next_to_nothing_over_the_others_is_not_in_it() -> None:
    found = compose(3, {A: [0.8, 0, 0], B: [0, 0.8, 0.8], C: [0.89, 0, 0.1], D: [0.8, 0.8, 0]})
    assert found
    assert set(found.members) == {B, C}


def test_one_who_covers_everything_is_no_consortium_though_another_would_be_a_little_closer() -> None:
    assert compose(2, {A: [0.9, 0.9], B: [0.95, 0]}) is None


def test_nothing_and_nobody_make_no_consortium() -> None:
    assert compose(2, {}) is None
    assert compose(2, {A: [0.49, 0.49], B: [0.2, 0]}) is None
    assert compose(2, {A: [0.9, 0], B: [0.8, 0]}) is None


def test_there_are_at_most_five_and_the_weakest_part_stays_open() -> None:
    offers = {UUID(int=n): [0.5 + 0.05 * n if part == n else 0.0 for part in range(7)] for n in range(7)}
    found = compose(7, offers)
    assert found
    assert len(found.members) == MOST
    assert found.gaps == (1, 2)


def test_many_companies_are_no_obstacle_and_of_equal_sets_the_first_ids_win() -> None:
    """None dominates another here, so that the solver sees all of them."""
    offers = {UUID(int=n + 1): [0.5 + 0.002 * n, 0.9 - 0.002 * n, 0.6 if n % 2 else 0.0] for n in range(200)}
    found = compose(3, offers)
    assert found
    pairs = combinations(sorted(offers), 2)
    assert tuple(sorted(found.members)) == min(pairs, key=lambda each: (-worth(offers, each), each))


def test_what_companies_cover_is_summed_over_the_parts_and_who_offers_nothing_any_more_adds_nothing() -> None:
    assert covered({A: [0.5, 0.49], B: [0.7, 0.5]}, [A, B, C]) == pytest.approx(1.2)
    assert covered({}, [A]) == 0
