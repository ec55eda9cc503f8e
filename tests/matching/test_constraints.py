"""What both sides state is checked; what either leaves open never keeps anybody out."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from services.matching.constraints import (
    Conditions,
    Constraint,
    Kind,
    Terms,
    budget,
    capacity,
    constraints,
    price,
    scale,
)
from shared.settings import Rates
from shared.vocabulary import Currency, Language, Partnership, Region

NOW = Conditions(date(2026, 6, 1), 7.8)
EN, NL, ZH = Language.ENGLISH, Language.DUTCH, Language.CHINESE


def only(need: Terms, proposal: Terms, now: Conditions = NOW) -> tuple[bool, str]:
    """How the one thing that can be checked came out."""
    (found,) = constraints(need, proposal, now)
    return found.passed, found.words


def size(amount: float, unit: str) -> Terms:
    """A need of this capacity."""
    return Terms(sizes=capacity({"amount": amount, "unit": unit}))


def sizes(text: str, language: Language = EN) -> Terms:
    """A proposal of this scale."""
    return Terms(sizes=scale(text, language))


def within(most: int, currency: Currency) -> Terms:
    """A need with this budget."""
    return Terms(money=budget({"most": most, "currency": currency}))


def costs(least: int, most: int, currency: Currency) -> Terms:
    """A proposal with this price."""
    return Terms(money=price({"least": least, "most": most, "currency": currency}))


@pytest.mark.parametrize(
    ("need", "proposal", "passed", "words"),
    [
        ({"regions": {Region.HEBEI}}, {"regions": {Region.SHAANXI}}, False, "The proposal prefers other regions"),
        (
            {"regions": {Region.HEBEI}},
            {"regions": {Region.HEBEI, Region.SHAANXI}},
            True,
            "The need's region is one that the proposal prefers",
        ),
        ({"trl": 7}, {"trl": 6}, False, "The need asks for technology readiness level 7; the proposal has 6"),
        ({"trl": 7}, {"trl": 8}, True, "The proposal has technology readiness level 8; the need asks for 7"),
        (
            {"partnerships": {Partnership.SALE}},
            {"partnerships": {Partnership.PILOT}},
            False,
            "They seek different kinds of partnership",
        ),
        (
            {"partnerships": {Partnership.SALE}},
            {"partnerships": {Partnership.SALE}},
            True,
            "They seek a common kind of partnership",
        ),
        ({"deadline": date(2026, 5, 31)}, {}, False, "The deadline has passed"),
        ({"deadline": date(2026, 6, 1)}, {}, True, "The need is open until 2026-06-01"),
    ],
)
def test_what_both_sides_state_is_checked(
    need: dict[str, Any], proposal: dict[str, Any], passed: bool, words: str
) -> None:
    assert only(Terms(**need), Terms(**proposal)) == (passed, words)


@pytest.mark.parametrize(
    ("asked", "offered", "amount", "end"),
    [
        (size(5_000, "m³/d"), sizes("up to 200 m³/d"), "5000 m³/d", "ends at 200 m³/d"),
        (size(20, "m³/d"), sizes("vanaf 500 m³/dag", NL), "20 m³/d", "begins at 500 m³/d"),
        (size(0.125, "MW"), sizes("1 tot 5 MW", NL), "0.125 MW", "begins at 1 MW"),
        (size(2_000_000, "t/y"), sizes("1 to 20 t/h"), "2000000 t/y", "ends at 175300 t/y"),
    ],
)
def test_a_scale_that_ends_before_the_capacity_or_begins_after_it_fails(
    asked: Terms, offered: Terms, amount: str, end: str
) -> None:
    assert only(asked, offered) == (False, f"The need asks for {amount}; the proposal's scale {end}")


@pytest.mark.parametrize(
    ("asked", "offered", "amount"),
    [
        (size(5_000, "m3/day"), sizes("10–500 m³/h"), "5000 m³/d"),
        (size(5_000, "立方米/天"), sizes("每天500至8000立方米", ZH), "5000 m³/d"),
        (size(0.5, "万吨/年"), sizes("10 to 20 t/d"), "5000 t/y"),
        (size(300, "kW"), sizes("5-50 kW or 200-500 kW"), "300 kW"),
    ],
)
def test_a_capacity_is_compared_in_the_needs_unit(asked: Terms, offered: Terms, amount: str) -> None:
    assert only(asked, offered) == (True, f"The proposal's scale covers the {amount} that the need asks for")


@pytest.mark.parametrize(
    ("asked", "offered"),
    [
        (size(5_000, "m³/d"), Terms()),
        (Terms(), sizes("up to 200 m³/d")),
        (size(5_000, "t/d"), sizes("up to 200 m³/d")),
        (size(5_000, "m³/h"), sizes("up to 200 Nm³/h")),
        (size(5_000, "m³/d"), sizes("for example 200 m³/d")),
        (size(5_000, "m³ of brine per day"), sizes("up to 200 m³/d")),
        (size(5_000, "m³/d"), sizes("any size")),
        (size(float("nan"), "m³/d"), sizes("up to 200 m³/d")),
        (size(100, "kW"), sizes("5-50 kW or 200-500 kW")),
    ],
)
def test_a_capacity_that_cannot_be_compared_is_not_judged(asked: Terms, offered: Terms) -> None:
    assert constraints(asked, offered, NOW) == ()


@pytest.mark.parametrize(
    ("language", "text"),
    [(EN, "10 to 200 m³/d per module"), (NL, "10 tot 200 m³/dag per lijn"), (ZH, "10至200立方米/天，可并联")],
)
def test_what_is_modular_has_no_upper_end(language: Language, text: str) -> None:
    assert only(size(5_000, "m³/d"), sizes(text, language))[0]
    assert not only(size(1, "m³/d"), sizes(text, language))[0]


@pytest.mark.parametrize("text", ["up to 200 m³ per day", "full scale: up to 200 m³/d"])
def test_what_is_of_one_piece_has_its_end(text: str) -> None:
    assert not only(size(5_000, "m³/d"), sizes(text))[0]


@pytest.mark.parametrize(("amount", "passed"), [(219, True), (221, False)])
def test_a_size_that_is_nearly_met_is_met(amount: float, passed: bool) -> None:
    assert only(size(amount, "t/d"), sizes("up to 200 t/d"))[0] is passed


@pytest.mark.parametrize(
    ("spend", "cost", "passed", "words"),
    [
        (
            within(8_000_000, Currency.YUAN),
            costs(2_000_000, 3_000_000, Currency.EURO),
            False,
            "The price of at least €2,000,000 is above the budget of CNY 8,000,000 (about €1,030,000)",
        ),
        (
            within(1_000_000, Currency.EURO),
            costs(7_000_000, 9_000_000, Currency.YUAN),
            True,
            "The price of at least CNY 7,000,000 is within the budget of €1,000,000 (about CNY 7,800,000)",
        ),
        (
            within(100, Currency.EURO),
            costs(101, 200, Currency.EURO),
            False,
            "The price of at least €101 is above the budget of €100",
        ),
        (
            within(100, Currency.EURO),
            costs(100, 200, Currency.EURO),
            True,
            "The price of at least €100 is within the budget of €100",
        ),
        (
            within(78, Currency.YUAN),
            costs(11, 20, Currency.EURO),
            True,
            "The price of at least €11 is within the budget of CNY 78 (about €10)",
        ),
    ],
)
def test_a_price_is_held_against_the_budget(spend: Terms, cost: Terms, passed: bool, words: str) -> None:
    assert only(spend, cost) == (passed, words)


def test_what_the_day_does_not_tell_is_not_checked() -> None:
    need = Terms(deadline=date(2020, 1, 1), money=within(1, Currency.YUAN).money)
    assert constraints(need, costs(5, 5, Currency.EURO)) == ()


@pytest.mark.parametrize("rate", ["0", "-7", "nan", "eight", "inf"])
def test_a_rate_that_is_none_does_not_start(rate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("I2PCC_YUAN_PER_EURO", rate)
    with pytest.raises(ValidationError, match="yuan_per_euro"):
        Rates()


regions = some.frozensets(some.sampled_from(Region))
terms = some.builds(
    Terms,
    regions=regions,
    trl=some.none() | some.integers(1, 9),
    partnerships=some.frozensets(some.sampled_from(Partnership)),
    sizes=some.sampled_from(["", "up to 200 m³/d", "5 to 10 t/h", "at least 3 MW"]).map(lambda text: scale(text, EN)),
    money=some.none()
    | some.builds(lambda low: price({"least": low, "most": low, "currency": "EUR"}), some.integers(0)),
)


@given(side=terms)
def test_a_side_that_leaves_everything_open_keeps_nobody_out(side: Terms) -> None:
    assert constraints(side, Terms(), NOW) == constraints(Terms(), side, NOW) == ()


@given(need=terms, proposal=terms)
def test_each_thing_is_checked_at_most_once(need: Terms, proposal: Terms) -> None:
    found: tuple[Constraint, ...] = constraints(need, proposal, NOW)
    kinds: list[Kind] = [each.kind for each in found]
    assert len(kinds) == len(set(kinds))
