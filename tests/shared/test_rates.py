"""How often somebody may ask is counted per caller, in bounded memory, and forgotten with time."""

import time

import pytest

from shared import rates
from shared.problems import Problem
from shared.rates import Rates


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000_000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The process's clock, at the beginning of a minute's window."""
    made = Clock(monkeypatch)
    made.now -= made.now % 60
    return made


def counted(made: Rates, key: str, tries: int) -> int:
    """How many of so many requests are let through."""
    passed = 0
    for _ in range(tries):
        try:
            made.count(key)
        except Problem:
            continue
        passed += 1
    return passed


def test_each_caller_has_a_count_of_its_own(clock: Clock) -> None:
    made = Rates("3/minute")
    assert [counted(made, key, 5) for key in ("one", "other")] == [3, 3]


def test_a_refusal_tells_the_rate_and_when_to_go_on(clock: Clock) -> None:
    made = Rates("1/minute")
    made.count("one")
    clock.now += 12.5
    with pytest.raises(Problem, match="1/minute") as caught:
        made.count("one")
    assert (caught.value.status, caught.value.headers) == (429, {"Retry-After": "48"})
    clock.now += 48
    made.count("one")


def test_no_moment_lets_twice_the_rate_through(clock: Clock) -> None:
    made = Rates("100/minute")
    clock.now += 59
    assert counted(made, "one", 200) == 100
    clock.now += 2
    assert counted(made, "one", 200) == 2
    clock.now += 30
    assert 45 <= counted(made, "one", 200) <= 55


def test_what_was_long_ago_is_forgotten(clock: Clock) -> None:
    made = Rates("2/minute")
    assert counted(made, "one", 3) == 2
    clock.now += 120
    assert counted(made, "one", 3) == 2


def test_a_flood_of_callers_shares_one_count_and_the_known_ones_keep_theirs(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "MOST", 3)
    made = Rates("2/minute")
    for key in ("a", "b", "c"):
        made.count(key)
    assert sum(counted(made, f"flood {number}", 1) for number in range(1_000)) == 2
    assert counted(made, "a", 5) == 1
    clock.now += 120
    assert counted(made, "flood 7", 5) == 2
