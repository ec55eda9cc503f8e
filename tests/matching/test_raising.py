"""What would have raised a score, and by which functions that is known."""

from typing import Any

import pytest

from services.matching.raising import Change, Kind, raises
from services.matching.rules import Features, fit
from services.matching.scoring.breakdown import parts_of
from services.matching.scoring.combiner import SHIPPED
from services.matching.scoring.quantities import quantities
from shared.vocabulary import Language

SEEN = {"meaning": 1.0, "second": 1.0, "words": 0.5, "names": 0.0}
SIZE = tuple(quantities("120 m³/d", Language.ENGLISH))


def side(*challenges: int, names: tuple[str, ...] = (), has_body: bool = True, **terms: Any) -> Features:
    """One side."""
    return Features(frozenset(challenges), frozenset(names), has_body, **terms)


def changes(need: Features, proposal: Features, **seen: float) -> dict[Kind, Change]:
    """What would have raised it."""
    return {each.kind: each for each in raises(need, proposal, {**SEEN, **seen}, SHIPPED)}


def test_a_challenge_that_is_not_shared_is_scored_as_if_it_were() -> None:
    found = changes(side(4, 5), side(4))[Kind.CHALLENGE]
    assert found.score == fit(side(4, 5), side(4, 5), SEEN, SHIPPED).score
    assert found.words.startswith("If the proposal comes under challenge 5 too (")
    assert found.words.endswith(f"it would be {found.score:.2f}")


def test_names_that_only_the_need_uses_are_told_as_far_as_they_would_count() -> None:
    found = changes(side(4, names=("COD", "PFAS", "VOC", "zinc")), side(4, names=("COD",)), names=1)[Kind.NAMES]
    assert found.terms == ("PFAS", "VOC", "zinc")
    assert found.score == fit(side(4), side(4), SEEN | {"names": 3.0}, SHIPPED).score
    assert "if it is about any 2 of them" in found.words
    assert not [name for name in found.terms if name in found.words]


def test_names_beyond_those_that_count_raise_nothing() -> None:
    need, proposal = side(4, names=("COD", "PFAS", "VOC", "zinc")), side(4, names=("COD", "PFAS", "VOC"))
    assert changes(need, proposal, names=3) == {}


def test_what_is_left_open_is_told_without_a_score() -> None:
    found = changes(side(4, trl=7, sizes=SIZE), side(4, has_body=False))
    assert {kind: each.score for kind, each in found.items()} == {Kind.BODY: None, Kind.TRL: None, Kind.CAPACITY: None}
    assert changes(side(4, trl=7, sizes=SIZE), side(4, trl=5, sizes=SIZE)) == {}
    assert "The need has no text" in changes(side(4, has_body=False), side(4))[Kind.BODY].words


def test_what_raises_it_most_comes_first_and_what_hardly_does_is_left_out() -> None:
    need = side(4, 5, names=("COD", "PFAS", "zinc"))
    found = [each.kind for each in raises(need, side(4), SEEN, SHIPPED)]
    assert found == [Kind.NAMES, Kind.CHALLENGE]
    assert raises(need, side(4), {name: 9.0 for name in ("meaning", "second", "words")} | {"names": 0.0}, SHIPPED) == ()


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("signal", [-2.0, 0.0, 1.0, 3.0])
def test_the_parts_add_up_to_the_score(signal: float, across: bool) -> None:
    signals = {"meaning": signal, "second": 1.2, "words": 0.0, "names": 2.0, "challenges": -0.1}
    parts = parts_of(SHIPPED, signals, across=across)
    assert sum(part.points for part in parts) == pytest.approx(SHIPPED.probability(signals), abs=0.0003)
    assert parts[0].name == "base"
    assert [part.points for part in parts[1:]] == sorted((part.points for part in parts[1:]), reverse=True)
    words = {part.name: part.words for part in parts}
    assert words["challenges"] == "Challenges: the two share 40% of those they come under"
    assert ("two languages" in words["words"]) is across
