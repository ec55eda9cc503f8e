"""Technical names that mean the same in every language."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.matching.scoring.names import names


@pytest.mark.parametrize(
    ("english", "dutch", "chinese", "name"),
    [
        ("volatile organic compounds", "Vluchtige organische stoffen", "挥发性有机物", "VOC"),
        ("reverse osmosis", "omgekeerde osmose", "反渗透", "RO"),
        ("an organic Rankine cycle", "organische rankinecyclus", "有机朗肯循环机组", "ORC"),
        ("Anammox", "ANAMMOX", "厌氧氨氧化", "Anammox"),
        ("membrane bioreactor", "membraanbioreactor", "膜生物反应器", "MBR"),
        ("LFP", "lithiumijzerfosfaat", "磷酸铁锂", "LFP"),
        ("nickel manganese cobalt", "NMC", "三元锂", "NMC"),
        ("hydrogen sulphide", "zwavelwaterstof", "硫化氢", "H₂S"),
        ("heavy metals", "zware metalen", "重金属", "heavy metals"),
        ("Class 1A", "class 1A", "一级A标准", "Class 1A"),
    ],
)
def test_a_name_is_the_same_in_every_language(english: str, dutch: str, chinese: str, name: str) -> None:
    assert [set(names(text)) for text in (english, dutch, chinese)] == [{name}] * 3


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("GB 18918-2002", "GB 18918"),
        ("符合GB31571标准", "GB 31571"),
        ("GB/T 31962", "GB/T 31962"),
        ("ISO 14001:2015", "ISO 14001"),
        ("DIN EN ISO 14001", "ISO 14001"),
        ("EN 12255", "EN 12255"),
        ("HJ 2025", "HJ 2025"),
        ("hydrogen of 5N", "5N"),
        ("6N级", "6N"),
    ],
)
def test_standards_and_purities_are_names(text: str, name: str) -> None:
    assert name in names(text)


@pytest.mark.parametrize(
    "text",
    [
        *("euro and zero", "ro", "scr", "een pet", "transcription", "the lead partner", ""),
        *("500 m en 500 ton", "gb 18918", "6n", "16N", "5Nm"),
    ],
)
def test_what_only_looks_like_a_name_is_none(text: str) -> None:
    assert names(text) == {}


def test_the_longest_spelling_wins() -> None:
    assert set(names("磷酸铁锂 lithium iron phosphate ammonia nitrogen")) == {"LFP", "ammonia nitrogen"}


def test_every_place_is_told() -> None:
    text = "İ PFAS, VOCs和挥发性有机物"
    assert {name: [text[a:b] for a, b in places] for name, places in names(text).items()} == {
        "PFAS": ["PFAS"],
        "VOC": ["VOCs", "挥发性有机物"],
    }


def test_what_two_texts_share_is_told_across_languages() -> None:
    assert names("RO and MBR for cyanide").keys() & names("氰化物废水，反渗透，蒸发").keys() == {"RO", "cyanide"}


@given(text=some.text(max_size=80))
def test_any_text_can_be_read(text: str) -> None:
    for places in names(text).values():
        assert all(0 <= start < end <= len(text) for start, end in places)
