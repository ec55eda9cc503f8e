"""Where sentences end, in three languages."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.scoring.sentences import Field, sentences
from services.matching.scoring.texts import Text
from shared.vocabulary import Language


def of(body: str, language: Language) -> list[str]:
    """The body's sentences."""
    return [each.quote for each in sentences(Text("", body, language))]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (Language.ENGLISH, ["We treat 1.5 m³ of brine a day, e.g. from mines.", "It takes 12 m³/d.", "Nothing else!"]),
        (Language.ENGLISH, ["A start below -15 °C.", "Flow varies, see Fig. 3 and approx. 5 others."]),
        (Language.ENGLISH, ["Designed by J. Smith, at TRL 7.", "“Is it quiet?”", "(Yes.)"]),
        (Language.DUTCH, ["Wij doen o.a. Water en bv. slib.", "Ca. 5.000 m³/d. en later meer."]),
        (Language.CHINESE, ["日处理1.5立方米；", "出水COD不高于50 mg/L。", "需要“零排放”吗？", "请说明。"]),
    ],
)
def test_a_sentence_ends_where_people_end_it(language: Language, expected: list[str]) -> None:
    space = "" if language is Language.CHINESE else " "
    assert of(space.join(expected), language) == expected


def test_wrapped_lines_are_one_sentence_and_items_of_a_list_are_several() -> None:
    body = "A line that is\nwrapped.\n\nWanted:\n- a membrane\n- its cleaning\n2) a reference"
    found = ["A line that is\nwrapped.", "Wanted:", "- a membrane", "- its cleaning", "2) a reference"]
    assert of(body, Language.ENGLISH) == found


def test_in_chinese_each_line_is_by_itself() -> None:
    assert of("目标如下\n一、出水达标\n二、回用", Language.CHINESE) == ["目标如下", "一、出水达标", "二、回用"]


@given(st.text(), st.text("ab A.。；!?\n1-(\"'", max_size=60), st.sampled_from(Language))
def test_a_quotation_stands_where_it_says_and_nothing_twice(title: str, body: str, language: Language) -> None:
    text = Text(title, body, language)
    found = sentences(text)
    for each in found:
        assert {Field.TITLE: title, Field.BODY: body}[each.field][each.start : each.end] == each.quote
    ends = [(each.start, each.end) for each in found if each.field is Field.BODY]
    assert all(one[1] <= other[0] for one, other in pairwise(ends))
