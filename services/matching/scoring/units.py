"""The units of units.yaml: what is looked for in a text, and what pint makes of it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

NUMBER = r"\d{1,3}(?:[ \u00a0\u2009\u202f]\d{3})+(?:[.,]\d{1,9})?(?!\d)|\d{1,15}(?:[.,]\d{1,15}){0,6}(?!\d)"
"""Bounded, so that no text takes long."""
AROUND = 24
"""So many characters around a number are looked at for what makes it an end."""
OWN = ("EUR = [euro]", "CNY = [yuan]", "normal_cubic_meter = [normal_volume]", "apparent = [apparent_power]")
"""What pint does not know, or would take for the same as something else: 1 Nm³ is 1 m³ at one temperature only."""
EDGE = "(?![A-Za-z0-9])"


@cache
def dimension(unit: str) -> str:
    """What a unit measures, as pint says it."""
    return str(_pint(unit).dimensionality)


def convert(amount: float, unit: str, wanted: str) -> float:
    """An amount in another unit of the same dimension."""
    if unit == wanted:
        return amount
    return float(_registry().Quantity(amount, _pint(unit)).to(_pint(wanted)).magnitude)


@dataclass(frozen=True)
class Patterns:
    """The table as what is looked for, and what each spelling is shown as."""

    number: re.Pattern[str]
    rate: re.Pattern[str]
    before: re.Pattern[str]
    after: re.Pattern[str]
    opening: re.Pattern[str]
    times: re.Pattern[str]
    units: Mapping[str, str]
    rates: Mapping[str, str]
    signs: Mapping[str, str]
    words: Mapping[str, str]
    magnitudes: Mapping[str, float]
    range: frozenset[str]
    between: frozenset[str]


@cache
def patterns() -> Patterns:
    """The table, read once."""
    table = _load()
    units = {each: shown for shown, unit in table["units"].items() for each in unit["spellings"]}
    rates = units | {each: shown for shown, unit in table["units"].items() for each in unit.get("rates", ())}
    return Patterns(
        number=_number(table, units, rates),
        rate=re.compile(_rate(rates)),
        before=re.compile(rf"(?<![A-Za-z])(?:{_ends(table, 'before')})\s?$"),
        after=re.compile(rf"\s?(?:{_ends(table, 'after')})"),
        opening=re.compile(rf"{_any(table['opening'])}\s?$", re.IGNORECASE),
        times=_times(table["times"]),
        units=units,
        rates=rates,
        signs=table["signs"],
        words=table["words"],
        magnitudes=table["magnitudes"] | table["letters"],
        range=frozenset(table["range"]),
        between=frozenset(table["between"]),
    )


def _number(table: Mapping[str, Any], units: Iterable[str], rates: Iterable[str]) -> re.Pattern[str]:
    """A number with what stands around it: a sign of money, a magnitude, a unit and what that is divided by."""
    letter = rf"(?(sign)\s?(?P<letter>{_any(table['letters'])})|(?!))"
    magnitude = rf"[余多]?\s?(?P<magnitude>{_any(table['magnitudes'])})|{letter}"
    unit = rf"(?P<word>{_any(table['words'])})|(?P<unit>{_any(units)})"
    sign = "|".join(map(re.escape, table["signs"]))
    return re.compile(
        rf"(?<![A-Za-z0-9^_])(?<!\d[.,，])(?P<minus>[-−])?(?:(?P<sign>{sign})\s?)?(?P<number>{NUMBER})"
        rf"(?:{magnitude})?(?:[余多]?\s?(?:{unit}))?(?P<rates>(?:{_rate(rates, '?:')}){{0,2}})"
    )


def _rate(rates: Iterable[str], group: str = "") -> str:
    """What a unit is divided by: /d, per day, 每天, and with a time also: a year."""
    a_time = rf"\san?\s(?=(?:hour|day|month|year){EDGE})"
    return rf"(?:\s?/\s?|\sper\s|每|{a_time})({group}{_any(rates)})"


def _any(spellings: Iterable[str]) -> str:
    """Any of these, the longest first; in Latin letters a spelling ends where the word does."""
    longest = sorted(spellings, key=len, reverse=True)
    return "|".join(re.escape(each) + (EDGE if re.search(r"[A-Za-z0-9]$", each) else "") for each in longest)


def _ends(table: Mapping[str, Any], side: str) -> str:
    """What makes a number the lower or the upper end: of two that overlap the one that begins first counts."""
    return "|".join(f"(?P<{end}>(?i:{_any(table[end][side])}))" for end in ("least", "most"))


def _times(times: Mapping[str, Iterable[str]]) -> re.Pattern[str]:
    """What says beforehand in which time, up to a number; Chinese may say in between of what."""
    each = "|".join(f"(?P<{time}>{_any(words)})" for time, words in times.items())
    return re.compile(rf"(?:{each})(?:\s?[一-鿿]{{0,12}}|\s(?:capacity|output|volume)(?:\sof)?\s?|\s)$", re.IGNORECASE)


@cache
def _pint(unit: str) -> Any:
    """A unit as it is shown, or several with slashes between, as pint has it."""
    units = _load()["units"]
    return _registry().Unit(" / ".join(f"({units[each]['pint']})" for each in unit.split("/")))


@cache
def _registry() -> Any:
    """The one registry. Making it takes 150 ms, which only who reads quantities is to wait for."""
    import pint

    registry: Any = pint.UnitRegistry()
    for own in OWN:
        registry.define(own)
    return registry


@cache
def _load() -> Any:
    return yaml.safe_load(Path(__file__).with_name("units.yaml").read_text(encoding="utf-8"))
