"""Which sentences, words and names carried a score."""

import numpy as np
import pytest

from services.matching.scoring.background import WORDS, Background, Encoded, Side
from services.matching.scoring.encoders import encoder, models
from services.matching.scoring.evidence import PAIRS, READ, Quote, Shared, foremost, met, shared_names, shared_words
from services.matching.scoring.reference import shipped
from services.matching.scoring.sentences import Field, sentences
from services.matching.scoring.texts import Text
from shared.vocabulary import Language

NEED = Text(
    "Removal of PFAS from landfill leachate",
    "The leachate holds PFAS and ammonia nitrogen. Trucks come daily.",
    Language.ENGLISH,
)
PROPOSAL = Text("Foam fractionation of leachate", "Foam takes PFAS out of leachate. We are a family.", Language.ENGLISH)
ASKED = Text("垃圾渗滤液处理", "渗滤液中含有全氟化合物。", Language.CHINESE)
OFFERED = Text("渗滤液深度处理", "针对渗滤液的泡沫分离。", Language.CHINESE)


def words_of(need: Text, proposal: Text) -> list[Shared]:
    """What two texts share, weighed as they are when matching."""
    ours = shipped()
    assert ours
    background = Background(ours)
    rows = [
        background.corpus(side, text.language).prepared(_encoded(text)).rows[WORDS[3]]
        for side, text in ((Side.NEED, need), (Side.PROPOSAL, proposal))
    ]
    return shared_words(need, proposal, *rows)


def _encoded(text: Text) -> Encoded:
    return Encoded(text, {model: encoder(model).encode([text.heading, text.whole]) for model in models(text.language)})


def test_a_shared_name_is_quoted_as_each_wrote_it() -> None:
    found = {each.name: each for each in shared_names(ASKED, PROPOSAL)}
    (need,), (proposal,) = found["PFAS"].need, found["PFAS"].proposal
    assert (need.quote, ASKED.body[need.start : need.end]) == ("全氟化合物", "全氟化合物")
    assert (proposal.quote, PROPOSAL.body[proposal.start : proposal.end]) == ("PFAS", "PFAS")


@pytest.mark.parametrize(("need", "proposal", "word"), [(NEED, PROPOSAL, "leachate"), (ASKED, OFFERED, "渗滤液")])
def test_shared_words_are_quoted_wherever_they_stand(need: Text, proposal: Text, word: str) -> None:
    found = words_of(need, proposal)
    (shared,) = [each for each in found if each.name == word]
    assert shared.share is not None
    assert 0.02 <= shared.share <= 1
    for text, quotes in ((need, shared.need), (proposal, shared.proposal)):
        assert [quote.field for quote in quotes] == [Field.TITLE, Field.BODY]
        for quote in quotes:
            assert {Field.TITLE: text.title, Field.BODY: text.body}[quote.field][quote.start : quote.end] == quote.quote
    assert found == sorted(found, key=lambda each: (-(each.share or 0), each.name))


def test_words_that_tell_nothing_are_not_shown() -> None:
    texts = [Text("Water", f"This is from the {what} and for you.", Language.ENGLISH) for what in ("brewery", "dairy")]
    assert {each.name for each in words_of(*texts)} == {"water"}


def test_across_languages_no_words_are_shared() -> None:
    assert words_of(NEED, OFFERED) == []


def test_the_nearest_sentences_meet_and_none_meets_twice() -> None:
    needs, proposals = sentences(NEED), sentences(PROPOSAL)
    near = np.array([[0.3, 0.9, 0.0], [0.8, 0.95, 0.1], [0.1, 0.1, 0.19]], np.float32)
    found = met(near, needs, proposals, shared_names(NEED, PROPOSAL))
    assert [(each.need.quote, each.proposal.quote, each.closeness) for each in found] == [
        (needs[1].quote, proposals[1].quote, 0.95),
        (needs[0].quote, proposals[0].quote, 0.3),
    ]
    assert [each.shared for each in found] == [("PFAS",), ()]


def test_three_pairs_at_most_are_shown_and_nothing_said_is_no_pair() -> None:
    quotes = [Quote(Field.BODY, number, number + 1, "x") for number in range(5)]
    assert len(met(np.ones((5, 5), np.float32), quotes, quotes, [])) == PAIRS
    assert met(np.ones((0, 5), np.float32), [], quotes, []) == []


def test_of_many_sentences_the_title_and_those_with_shared_words_are_read() -> None:
    body = "".join(f"Sentence {number} is here. " for number in range(30)) + "PFAS."
    said = sentences(Text("A title", body, Language.ENGLISH))
    spot = next(quote for quote in said if quote.quote == "PFAS.")
    read = foremost(said, [spot])
    assert len(read) == READ
    assert (read[0], read[-1]) == (said[0], spot)
    assert read == sorted(read, key=said.index)
