"""How much a text says: in three languages, with units, and without guessing."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.matching.scoring.quantities import Quantity, quantities, read_number
from services.matching.scoring.units import dimension
from shared.vocabulary import Language

EN, NL, ZH = Language.ENGLISH, Language.DUTCH, Language.CHINESE


def read(text: str, language: Language = EN) -> list[tuple[float | None, float | None, str]]:
    """The ends and the unit of each quantity."""
    return [(each.least, each.most, each.unit) for each in quantities(text, language)]


def one(text: str, language: Language = EN) -> Quantity:
    """The only quantity of a text."""
    (found,) = quantities(text, language)
    return found


@pytest.mark.parametrize(
    ("language", "text", "amount", "unit"),
    [
        (EN, "5,000 m³/d", 5_000, "m³/d"),
        (NL, "5.000 m³/dag", 5_000, "m³/d"),
        (ZH, "5000立方米/天", 5_000, "m³/d"),
        (ZH, "日处理5000吨", 5_000, "t/d"),
        (ZH, "每天产生发酵及提取废水约5200立方米", 5_200, "m³/d"),
        (ZH, "５０００吨／天", 5_000, "t/d"),
        (ZH, "5000余吨/年", 5_000, "t/y"),
        (ZH, "日处理5000吨污水", 5_000, "m³/d"),
        (EN, "5 000 tonnes per year", 5_000, "t/y"),
        (EN, "4,600 t a year", 4_600, "t/y"),
        (EN, "20 t/h", 20, "t/h"),
        (NL, "20 ton per uur", 20, "t/h"),
        (EN, "3 MW", 3, "MW"),
        (ZH, "3兆瓦", 3, "MW"),
        (EN, "15 mg/L", 15, "mg/L"),
        (ZH, "COD 50mg/l", 50, "mg/L"),
        (NL, "1,5 bar", 1.5, "bar"),
        (NL, "2.5 bar", 2.5, "bar"),
        (NL, "0.125 bar", 0.125, "bar"),
        (EN, "-20 °C", -20, "°C"),
        (ZH, "180℃", 180, "°C"),
        (ZH, "1.80克/立方厘米", 1.8, "g/cm³"),
        (EN, "1,200 Nm³/h", 1_200, "Nm³/h"),
        (EN, "53 kWh/t", 53, "kWh/t"),
        (EN, "30 ppm", 30, "ppm"),
        (ZH, "99.9％", 99.9, "%"),
        (ZH, "800万元", 8_000_000, "CNY"),
        (ZH, "1.5亿元", 150_000_000, "CNY"),
        (ZH, "￥800万", 8_000_000, "CNY"),
        (EN, "€1.2 million", 1_200_000, "EUR"),
        (EN, "€1.2m", 1_200_000, "EUR"),
        (NL, "1,2 miljoen euro", 1_200_000, "EUR"),
        (NL, "€ 1.200.000,50", 1_200_000.5, "EUR"),
        (EN, "EUR 2 000 000", 2_000_000, "EUR"),
        (EN, "0.45 yuan/kWh", 0.45, "CNY/kWh"),
        (ZH, "480万吨/年", 4_800_000, "t/y"),
    ],
)
def test_a_quantity_is_read_as_its_language_writes_it(language: Language, text: str, amount: float, unit: str) -> None:
    assert read(text, language) == [(pytest.approx(amount), pytest.approx(amount), unit)]


@pytest.mark.parametrize(
    ("language", "text", "least", "most", "unit"),
    [
        (EN, "500 to 8,000 m³/day", 500, 8_000, "m³/d"),
        (EN, "10–500 m³/h", 10, 500, "m³/h"),
        (EN, "between 5 and 10 °C", 5, 10, "°C"),
        (EN, "-20 to 60 °C", -20, 60, "°C"),
        (EN, "500 kg/h to 2 t/h", 0.5, 2, "t/h"),
        (EN, "up to 200 m³/d", None, 200, "m³/d"),
        (EN, "at least 5 MW", 5, None, "MW"),
        (EN, "not less than 5 MW", 5, None, "MW"),
        (EN, "5 MW or more", 5, None, "MW"),
        (EN, "≤ 15 mg/L", None, 15, "mg/L"),
        (NL, "ten minste 20 t/u", 20, None, "t/h"),
        (NL, "5 tot 10 ton/dag", 5, 10, "t/d"),
        (NL, "tot 300 kg per uur", None, 300, "kg/h"),
        (ZH, "不低于15mg/L", 15, None, "mg/L"),
        (ZH, "不超过30万元", None, 300_000, "CNY"),
        (ZH, "11元以内", None, 11, "CNY"),
        (ZH, "95%以上", 95, None, "%"),
        (ZH, "50m之内", None, 50, "m"),
        (ZH, "10-50万吨/年", 100_000, 500_000, "t/y"),
        (ZH, "100万至300万元", 1_000_000, 3_000_000, "CNY"),
        (ZH, "每天50～100吨", 50, 100, "t/d"),
    ],
)
def test_words_and_signs_make_a_number_an_end(
    language: Language, text: str, least: float | None, most: float | None, unit: str
) -> None:
    assert read(text, language) == [(least, most, unit)]


@pytest.mark.parametrize(
    "text",
    [
        *("PH7-9", "6N purity", "GB 18918-2002", "CO2", "A4 m", "m³/d", "5 tests", "3 MWx", "100万美元", ""),
        *(
            "2017至2019年",
            "in 2023年",
            "1.2.3.4 t",
            "1,23,4 t",
            "2020，300吨",
            "10^6 kg",
            "NaN kg",
            "∞ t",
            "9" * 5_000 + " t",
        ),
    ],
)
def test_what_is_no_quantity_is_none(text: str) -> None:
    assert quantities(text, ZH) == []


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(
    ("digits", "value"),
    [
        ("1.234.567,89", 1234567.89),
        ("1,234,567.89", 1234567.89),
        ("5 000", 5_000),
        ("5\u00a0000", 5_000),
        ("0,125", 0.125),
        ("1.23.4", None),
        ("1,234.567,8", None),
        ("1234,567,8", None),
    ],
)
def test_separators_that_leave_no_doubt_are_read_alike(language: Language, digits: str, value: float | None) -> None:
    assert read_number(digits, language) == value


@pytest.mark.parametrize(("language", "value"), [(EN, 5.125), (ZH, 5.125), (NL, 5_125)])
def test_one_point_before_three_digits_is_what_the_language_says(language: Language, value: float) -> None:
    assert read_number("5.125", language) == value


def test_positions_are_those_of_the_text() -> None:
    text = "产能：５０００吨／天以上，电耗3 kWh/t"
    assert [(each.text, text[each.start : each.end]) for each in quantities(text, ZH)] == [
        ("５０００吨／天以上", "５０００吨／天以上"),
        ("3 kWh/t", "3 kWh/t"),
    ]


def test_only_the_same_dimension_is_comparable() -> None:
    assert one("5 m³/h").comparable(one("200 m³/d"))
    assert not one("5 m³/h").comparable(one("5 t/h"))
    assert not one("5 m³/h").comparable(one("5 Nm³/h"))
    assert not one("€5").comparable(one("CNY 5"))


def test_a_quantity_converts_with_its_ends() -> None:
    assert one("10–500 m³/h").to("m³/d").most == pytest.approx(12_000)
    assert one("up to 200 m³/d").to("m³/h").least is None
    assert one("293.15 kPa").to("bar").most == pytest.approx(2.9315)


UNITS = ("m³/d", "t/h", "MW", "mg/L", "kWh/t", "Nm³/h", "bar", "ppm", "%", "EUR", "t/y")
MARKS = {EN: ",.", ZH: ",.", NL: ".,"}


@given(
    amount=some.decimals(min_value="0.01", max_value=10**9, places=2, allow_nan=False),
    unit=some.sampled_from(UNITS),
    language=some.sampled_from(Language),
    grouped=some.booleans(),
)
def test_a_quantity_that_is_written_is_read_back(amount: object, unit: str, language: Language, grouped: bool) -> None:
    written = f"{amount:,f}" if grouped else f"{amount:f}"
    written = written.translate(str.maketrans(",.", MARKS[language])) + f" {unit}"
    found = one(written, language)
    assert (found.text, found.unit) == (written, unit)
    assert found.least == found.most == pytest.approx(float(str(amount)))


@given(
    text=some.text(alphabet="0159 .,-~至/per每吨t³mLkWh%万亿元€约不低于up\u3000５，°C\n", max_size=60),
    language=some.sampled_from(Language),
)
def test_any_text_can_be_read(text: str, language: Language) -> None:
    for each in quantities(text, language):
        assert text[each.start : each.end] == each.text
        assert dimension(each.unit)
        assert each.least is None or each.most is None or each.least <= each.most
