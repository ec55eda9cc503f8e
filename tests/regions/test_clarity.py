"""What a need's reader would miss, in three languages."""

from collections import Counter
from dataclasses import dataclass

import pytest

from deploy.demo.sample import load
from services.regions.clarity import MOST, Kind, advice
from shared.vocabulary import Challenge, Language


@dataclass(frozen=True)
class Written:
    """What is looked at of a need."""

    title: str | None = None
    body: str | None = None
    language: Language | None = None
    challenges: tuple[Challenge, ...] | None = None
    parts: tuple[str, ...] | None = None
    capacity: object = None


def written(language: str, title: str, body: str = "", **more: object) -> Written:
    """A need about industrial water."""
    fields = {"challenges": (Challenge.INDUSTRIAL_WATER,)} | more
    return Written(title, body, Language(language), **fields)  # type: ignore[arg-type]


def kinds(need: Written) -> Counter[Kind]:
    """How much advice of each kind it gets."""
    return Counter(each.kind for each in advice(need))


VAGUE = {
    "en": ("Environmental solutions wanted", "We look for advanced technology. Partners with experience are welcome."),
    "nl": ("Milieuoplossingen gezocht", "Wij zoeken een moderne en duurzame oplossing. Ervaring is welkom."),
    "zh": ("环保技术需求", "我们希望引进先进的环保技术。欢迎有经验的企业合作！"),
}
CLEAR = {
    "en": ("Sulphate in a dye works' effluent", "Each day 1,200 m³ pass the membranes at 2.6 g/L."),
    "nl": ("Sulfaat in het afvalwater van een ververij", "Elke dag gaat 1.200 m³ door de membranen, met 2,6 g/L."),
    "zh": ("印染废水中的硫酸盐", "每天1200立方米废水经膜处理，硫酸盐2.6 g/L。"),
}


@pytest.mark.parametrize("language", VAGUE)
def test_a_vague_need_is_told_all_that_is_missing(language: str) -> None:
    found = kinds(written(language, *VAGUE[language]))
    assert (found[Kind.NO_QUANTITY], found[Kind.NO_SUBSTANCE], found[Kind.NO_PART]) == (1, 1, 1)
    assert found[Kind.VAGUE] == 3


@pytest.mark.parametrize("language", CLEAR)
def test_a_clear_need_is_told_nothing(language: str) -> None:
    assert advice(written(language, *CLEAR[language])) == ()


@pytest.mark.parametrize("need", load().needs, ids=lambda need: str(need.key))
def test_the_samples_needs_get_little_advice(need: object) -> None:
    fields = {name: getattr(need, name) for name in ("title", "body", "language", "challenges")}
    assert sum(kinds(Written(**fields)).values()) <= 1


@pytest.mark.parametrize("language", VAGUE)
def test_advice_on_a_sentence_quotes_it_from_where_it_stands(language: str) -> None:
    need = written(language, *VAGUE[language])
    quoted = [each.sentence for each in advice(need) if each.kind is Kind.VAGUE]
    for sentence in quoted:
        assert sentence
        assert getattr(need, sentence.field)[sentence.start : sentence.end] == sentence.quote
    assert [sentence.field for sentence in quoted if sentence] == ["title", "body", "body"]
    assert all(each.sentence is None for each in advice(need) if each.kind is not Kind.VAGUE)


@pytest.mark.parametrize(
    "text",
    [
        "5 t/d",
        "3.5 MW",
        "1.250 m³/d",
        "40 ℃",
        "12 %",
        "38吨",
        "三十吨",
        "两百多立方米",
        "1.2万吨",
        "2 million m3",
        "20 kuub",
    ],
)
def test_a_number_with_a_unit_is_a_quantity(text: str) -> None:
    assert Kind.NO_QUANTITY not in kinds(written("en", "Water", f"Of {text}."))


@pytest.mark.parametrize("text", ["many tonnes", "in 2019", "3 partners", "大量", "GB 3836", "2 mooie dingen"])
def test_a_number_or_a_unit_alone_is_no_quantity(text: str) -> None:
    assert Kind.NO_QUANTITY in kinds(written("en", "Water", f"It is {text}."))


def test_a_capacity_is_a_quantity_and_parts_are_parts() -> None:
    found = kinds(written("en", *VAGUE["en"], capacity=object(), parts=("An evaporator",)))
    assert not found.keys() & {Kind.NO_QUANTITY, Kind.NO_PART}


@pytest.mark.parametrize(
    "sentence",
    [
        "We look for good technology in Foshan.",
        "We look for good technology against NOx.",
        "We look for good technology for sludge.",
        "We look for good technology by 2028.",
        "We need good solutions such as:",
        "It rains.",
    ],
)
def test_a_sentence_with_a_name_a_figure_or_a_term_is_not_vague(sentence: str) -> None:
    assert Kind.VAGUE not in kinds(written("en", "COD", sentence))


def test_advice_names_examples_of_the_needs_own_challenge() -> None:
    hydrogen = advice(written("en", *VAGUE["en"], challenges=(Challenge.HYDROGEN,)))
    assert "800 kg/d at 35 MPa" in hydrogen[0].advice
    assert "electrolyser" in hydrogen[2].advice


@pytest.mark.parametrize("challenge", Challenge)
def test_every_challenge_has_its_words(challenge: Challenge) -> None:
    found = advice(written("en", *VAGUE["en"], challenges=(challenge,)))
    assert len({each.advice for each in found[:3]}) == 3


def test_a_text_of_vague_sentences_only_gets_a_few_quoted() -> None:
    assert kinds(written("en", "x", "We want good quality. " * 100))[Kind.VAGUE] == MOST


def test_what_is_not_filled_in_yet_is_no_error() -> None:
    assert kinds(Written()) == Counter([Kind.NO_QUANTITY, Kind.NO_SUBSTANCE, Kind.NO_PART])
    assert kinds(Written(title="Good solutions"))[Kind.VAGUE] == 1
