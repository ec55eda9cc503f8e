"""Quantities with their units, as English, Dutch and Chinese texts write them. A text in, what it says how much out."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from services.matching.scoring.units import AROUND, convert, dimension, patterns
from shared.vocabulary import Language

WIDE = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F) if wide != ord("，")} | {0x3000: 0x20}
"""Full-width characters, one for one, so that every position stays. Not the comma: 50，100 are two numbers."""
RATED = {"[mass]", "[length] ** 3", "[normal_volume]", "[mass] * [length] ** 2 / [time] ** 2"}
"""What "每天" and "daily" turn into a flow."""
YEARS = range(1900, 2101)
"""2023年 is a date, and so is 80年代."""


@dataclass(frozen=True)
class Quantity:
    """How much a text says, and where."""

    start: int
    end: int
    """After its last character, in the text."""
    text: str
    """As it stands there."""
    least: float | None
    """None: the text names no lower end."""
    most: float | None
    """The same as `least`, if it is a point."""
    unit: str
    """As units.yaml shows it: m³/d, kWh/t, EUR."""

    def to(self, unit: str) -> "Quantity":
        """The same in another unit of the same dimension."""
        least, most = (end if end is None else convert(end, self.unit, unit) for end in (self.least, self.most))
        return replace(self, least=least, most=most, unit=unit)

    def comparable(self, other: "Quantity") -> bool:
        """Whether both are of one dimension: a mass and a volume never are, nor are yuan and euros."""
        return dimension(self.unit) == dimension(other.unit)


@dataclass(frozen=True)
class _Number:
    """A number in a text, before it is known whether it is one end of a range."""

    start: int
    end: int
    amount: float
    magnitude: float | None
    unit: str | None

    @property
    def value(self) -> float:
        return self.amount * (self.magnitude or 1)


def quantities(text: str, language: Language) -> list[Quantity]:
    """What a text says how much, in the order of the text. Numbers without a unit are none.

    Args:
        text: any.
        language: of the text; it says whether 5.000 is five, or five thousand.
    """
    plain, found, low = text.translate(WIDE), [], None
    for number in _numbers(plain, language):
        if low and (lowest := _low(low, number, plain)):
            found.append(_range(text, plain, lowest, number))
            low = None
            continue
        if low and low.unit:
            found.append(_single(text, plain, low))
        low = number
    if low and low.unit:
        found.append(_single(text, plain, low))
    return [each for each in found if not _is_date(each, plain)]


def _numbers(plain: str, language: Language) -> Iterator[_Number]:
    table = patterns()
    for found in table.number.finditer(plain):
        amount = read_number(found["number"], language)
        if amount is None:
            continue
        unit = _unit_of(found)
        sign = -1 if found["minus"] and unit in ("°C", None) else 1
        start = found.start("number") if sign > 0 and not found["sign"] else found.start()
        magnitude = table.magnitudes.get(found["magnitude"] or found["letter"])
        yield _Number(start, found.end(), sign * amount, magnitude, unit)


def _unit_of(found: re.Match[str]) -> str | None:
    table = patterns()
    if found["word"]:
        return table.words[found["word"]]
    first = table.signs.get(found["sign"]) or table.units.get(found["unit"])
    if first is None:
        return None
    return "/".join([first, *(table.rates[rate] for rate in table.rate.findall(found["rates"] or ""))])


def read_number(digits: str, language: Language) -> float | None:
    """A number's value; none, if its separators make no sense.

    Of two kinds of separator the last is the decimal one; one that comes again is none. A single one with three digits
    behind it is read as the language does, any other is decimal.
    """
    plain = re.sub(r"\s", "", digits)
    separators = re.findall(r"[.,]", plain)
    if not separators:
        return float(plain)
    last = separators[-1]
    decimal = separators.count(last) == 1 and (len(separators) > 1 or not _grouped(plain, last, language))
    whole, _, rest = plain.rpartition(last) if decimal else (plain, "", "")
    if len(set(re.findall(r"[.,]", whole))) > 1 or not re.fullmatch(r"\d+|\d{1,3}(?:[.,]\d{3})+", whole):
        return None
    return float(f"{re.sub('[.,]', '', whole)}.{rest or 0}")


def _grouped(plain: str, separator: str, language: Language) -> bool:
    """Whether a single separator parts thousands."""
    thousands = "." if language is Language.DUTCH else ","
    return separator == thousands and bool(re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", plain))


def _low(low: _Number, high: _Number, plain: str) -> _Number | None:
    """The first number as the lower end of a range, with what it takes from the second, if the two make one."""
    if high.unit is None or not _joined(low, high, plain):
        return None
    if low.unit is None:
        amount = low.amount if high.unit == "°C" else abs(low.amount)
        low = replace(low, amount=amount, unit=high.unit, magnitude=low.magnitude or high.magnitude)
    if dimension(str(low.unit)) != dimension(high.unit):
        return None
    value = convert(low.value, str(low.unit), high.unit)
    return replace(low, amount=value, magnitude=None, unit=high.unit) if value <= high.value else None


def _joined(low: _Number, high: _Number, plain: str) -> bool:
    """Whether what stands between two numbers, and before them, makes them the ends of a range."""
    gap, table = plain[low.end : high.start].strip(), patterns()
    opened = gap in table.between and table.opening.search(plain[max(0, low.start - AROUND) : low.start])
    return gap in table.range or bool(opened)


def _range(text: str, plain: str, low: _Number, high: _Number) -> Quantity:
    unit = _rated(str(high.unit), plain[max(0, low.start - AROUND) : low.start])
    return Quantity(low.start, high.end, text[low.start : high.end], low.value, high.value, unit)


def _single(text: str, plain: str, number: _Number) -> Quantity:
    """A point, or an end if the words around it say so."""
    table, before = patterns(), plain[max(0, number.start - AROUND) : number.start]
    opening, closing = table.before.search(before), table.after.match(plain, number.end)
    start = number.start - len(before) + opening.start() if opening else number.start
    end = closing.end() if closing and not opening else number.end
    ends = opening or closing
    least = None if ends and ends["most"] else number.value
    most = None if ends and ends["least"] else number.value
    unit = _rated(str(number.unit), plain[max(0, start - AROUND) : start])
    return Quantity(start, end, text[start:end], least, most, unit)


def _rated(unit: str, before: str) -> str:
    """The unit as a flow, if what stands before the number says in which time."""
    if dimension(unit) not in RATED or not (found := patterns().times.search(before)):
        return unit
    return f"{unit}/{found.lastgroup}"


def _is_date(found: Quantity, plain: str) -> bool:
    years = found.unit == "y" and int(found.least or found.most or 0) in YEARS and found.text[:4].isdecimal()
    return years or plain.startswith("年代", found.end - 1)
