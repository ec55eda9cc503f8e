"""What both sides state is checked, not guessed. Values in, what holds and what does not out.

What either side leaves open is no constraint; what two numbers do not say for certain is none either.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any

from services.matching.scoring.quantities import Quantity, quantities
from shared.vocabulary import Currency, Language, Partnership, Region

LEEWAY = 0.1
"""A size that is missed by less is none that is missed: a plant's year has 8,000 hours or 8,766, scales are round
numbers. Nor is a price in the other currency, whose rate is coarse."""
MODULAR = re.compile(
    r"\b(?:per|each|multiple|several|modul\w*|skids?|lines?|parallel|scalable|elk|meerdere|lijn(?:en)?|schaalbaar)\b"
    r"|模块|每套|每台|单套|单台|并联|多套|可扩展|组合",
    re.IGNORECASE,
)
"""Of what is built of several, a size says nothing about the largest."""
PER_TIME = re.compile(r"\bper (?:hour|day|week|month|year|annum|uur|dag|jaar|maand)\b", re.IGNORECASE)


class Kind(StrEnum):
    """What is checked."""

    REGION = "region"
    TRL = "trl"
    PARTNERSHIP = "partnership"
    DEADLINE = "deadline"
    CAPACITY = "capacity"
    BUDGET = "budget"


@dataclass(frozen=True)
class Constraint:
    """One thing that both sides state, and whether they agree."""

    kind: Kind
    passed: bool
    words: str
    """A sentence in English, of numbers and the platform's own words alone."""


@dataclass(frozen=True)
class Money:
    """From what to what it costs, or the most that may be spent."""

    least: int
    most: int
    currency: Currency


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What one side states beside its text. Whatever is empty is left open."""

    regions: frozenset[Region] = frozenset()
    """The need's own, or those that the proposal prefers."""
    trl: int | None = None
    """The least that the need asks for, or how far the proposal has come."""
    partnerships: frozenset[Partnership] = frozenset()
    deadline: date | None = None
    """The need's last day."""
    sizes: tuple[Quantity, ...] = ()
    """The one that the need asks for, or the ranges that the proposal comes in."""
    money: Money | None = None
    """The need's budget, or the proposal's price."""


@dataclass(frozen=True)
class Conditions:
    """What holds on the day of matching; what is not known is not checked."""

    today: date | None = None
    yuan_per_euro: float | None = None


NOTHING_KNOWN = Conditions()


def constraints(need: Terms, proposal: Terms, now: Conditions = NOTHING_KNOWN) -> tuple[Constraint, ...]:
    """What can be checked of this pair, and how it came out."""
    checked = (
        _region(need, proposal),
        _trl(need, proposal),
        _partnership(need, proposal),
        _deadline(need, now.today),
        _capacity(need.sizes, proposal.sizes),
        _budget(need.money, proposal.money, now.yuan_per_euro),
    )
    return tuple(each for each in checked if each)


def capacity(stated: Mapping[str, Any] | None) -> tuple[Quantity, ...]:
    """A need's capacity, if its unit is one that is known: all of it, as "m³/d of brine" may be of anything."""
    if not stated:
        return ()
    written = f"{stated['amount']:.6f}".rstrip("0").rstrip(".") + f" {stated['unit']}"
    found = quantities(written, Language.ENGLISH)
    return tuple(found) if [each.text for each in found] == [written] else ()


def scale(text: str | None, language: Language) -> tuple[Quantity, ...]:
    """The ranges that a proposal comes in: a single figure is an example, and what is modular has no upper end."""
    found = quantities(text or "", language)
    ranges = [each for each in found if each.least != each.most]
    if MODULAR.search(PER_TIME.sub("", text or "")):
        ranges = [replace(each, most=None) for each in ranges]
    return tuple(each for each in ranges if each.least is not None or each.most is not None)


def budget(stated: Mapping[str, Any] | None) -> Money | None:
    """What a need may cost."""
    return Money(0, stated["most"], Currency(stated["currency"])) if stated else None


def price(stated: Mapping[str, Any] | None) -> Money | None:
    """What a proposal costs."""
    return Money(stated["least"], stated["most"], Currency(stated["currency"])) if stated else None


def _region(need: Terms, proposal: Terms) -> Constraint | None:
    if not (need.regions and proposal.regions):
        return None
    if need.regions <= proposal.regions:
        return Constraint(Kind.REGION, True, "The need's region is one that the proposal prefers")
    return Constraint(Kind.REGION, False, "The proposal prefers other regions")


def _trl(need: Terms, proposal: Terms) -> Constraint | None:
    if not (need.trl and proposal.trl):
        return None
    if proposal.trl >= need.trl:
        words = f"The proposal has technology readiness level {proposal.trl}; the need asks for {need.trl}"
        return Constraint(Kind.TRL, True, words)
    words = f"The need asks for technology readiness level {need.trl}; the proposal has {proposal.trl}"
    return Constraint(Kind.TRL, False, words)


def _partnership(need: Terms, proposal: Terms) -> Constraint | None:
    if not (need.partnerships and proposal.partnerships):
        return None
    if need.partnerships & proposal.partnerships:
        return Constraint(Kind.PARTNERSHIP, True, "They seek a common kind of partnership")
    return Constraint(Kind.PARTNERSHIP, False, "They seek different kinds of partnership")


def _deadline(need: Terms, today: date | None) -> Constraint | None:
    """A proposal states no date, so all that can be said is whether the need still takes one."""
    if not (need.deadline and today):
        return None
    if need.deadline < today:
        return Constraint(Kind.DEADLINE, False, "The deadline has passed")
    return Constraint(Kind.DEADLINE, True, f"The need is open until {need.deadline.isoformat()}")


def _capacity(asked: Iterable[Quantity], offered: Iterable[Quantity]) -> Constraint | None:
    """Whether one of the ranges covers what is asked for."""
    for size in asked:
        ranges = [each.to(size.unit) for each in offered if each.comparable(size)]
        if ranges and size.least is not None:
            return _covered(size.least, size.unit, ranges)
    return None


def _covered(amount: float, unit: str, ranges: Sequence[Quantity]) -> Constraint | None:
    asked = f"{_figure(amount)} {unit}"
    tops = [each.most for each in ranges if each.most is not None and each.most * (1 + LEEWAY) < amount]
    bottoms = [each.least for each in ranges if each.least is not None and each.least * (1 - LEEWAY) > amount]
    if len(tops) + len(bottoms) < len(ranges):
        return Constraint(Kind.CAPACITY, True, f"The proposal's scale covers the {asked} that the need asks for")
    if tops and bottoms:
        return None
    end = f"ends at {_figure(max(tops))}" if tops else f"begins at {_figure(min(bottoms))}"
    return Constraint(Kind.CAPACITY, False, f"The need asks for {asked}; the proposal's scale {end} {unit}")


def _budget(budget: Money | None, price: Money | None, yuan_per_euro: float | None) -> Constraint | None:
    """Whether the least that it costs may be spent."""
    if not (budget and price):
        return None
    same = budget.currency is price.currency
    if not same and not yuan_per_euro:
        return None
    most = budget.most if same else _exchanged(budget, yuan_per_euro or 1)
    passed = price.least <= most * (1 if same else 1 + LEEWAY)
    about = "" if same else f" (about {_amount(_rounded(most), price.currency)})"
    of_budget = f"the budget of {_amount(budget.most, budget.currency)}{about}"
    of_price = f"The price of at least {_amount(price.least, price.currency)}"
    return Constraint(Kind.BUDGET, passed, f"{of_price} is {'within' if passed else 'above'} {of_budget}")


def _exchanged(money: Money, yuan_per_euro: float) -> float:
    return money.most / yuan_per_euro if money.currency is Currency.YUAN else money.most * yuan_per_euro


def _rounded(amount: float) -> int:
    """To three digits: the rate is no better."""
    return int(float(f"{amount:.3g}"))


def _amount(amount: int, currency: Currency) -> str:
    return f"€{amount:,}" if currency is Currency.EURO else f"CNY {amount:,}"


def _figure(amount: float) -> str:
    """To four digits, and never as 1e+06."""
    return f"{float(f'{amount:.4g}'):.10f}".rstrip("0").rstrip(".")
