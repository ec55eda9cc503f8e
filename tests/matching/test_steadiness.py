"""A score follows what a text says: not in which words, and not how much it is stuffed with.

On the demo's sample, by the functions that the service scores with, against the background that is shipped.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.demo.models import Need, Proposal
from deploy.demo.sample import load
from services.matching.rules import THRESHOLD, Features, Fit, fit
from services.matching.scoring import names
from services.matching.scoring.background import Background, Encoded, Prepared, Side
from services.matching.scoring.combiner import SHIPPED
from services.matching.scoring.encoders import encoder, models
from services.matching.scoring.reference import shipped
from services.matching.scoring.scorer import seen
from services.matching.scoring.sentences import Field, sentences
from services.matching.scoring.texts import Text
from shared.vocabulary import Challenge, Language

SAMPLE = load()
REWORDED: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_name("rewordings.yaml").read_text("utf-8"))
SHIFT = 0.2
"""By how much a score that people would give moves at most when a text is reworded."""
GAIN = 0.07
"""By how much a proposal's best score rises at most when it is stuffed: a longer text is a little nearer to some."""


@dataclass(frozen=True)
class Written:
    """A text with its challenges."""

    text: Text
    challenges: frozenset[int]


def written(entry: Need | Proposal) -> Written:
    """A need or a proposal of the sample."""
    return Written(Text(entry.title, entry.body, Language(entry.language)), frozenset(map(int, entry.challenges)))


NEEDS = {need.key: written(need) for need in SAMPLE.needs}
PROPOSALS = {proposal.key: written(proposal) for proposal in SAMPLE.proposals}
NAMES = yaml.safe_load(Path(names.__file__).with_name("names.yaml").read_text("utf-8"))
SPELLINGS = [spellings[0] for group in NAMES.values() for spellings in group.values()]
"""Every technical name, as it is written first."""
EXPECTED = {(pair.need, pair.proposal) for pair in SAMPLE.story.expected}


@cache
def background() -> Background:
    """The one that is shipped."""
    ours = shipped()
    assert ours
    return Background(ours)


@cache
def prepared(side: Side, text: Text) -> Prepared:
    """A text ready to be compared."""
    vectors = {model: encoder(model).encode([text.heading, text.whole]) for model in models(text.language)}
    (ready,) = background().prepared(side, [Encoded(text, vectors)])
    return ready


def fits(needs: Mapping[str, Written], proposals: Mapping[str, Written]) -> dict[tuple[str, str], Fit]:
    """How well each proposal fits each need."""
    offers = [prepared(Side.PROPOSAL, each.text) for each in proposals.values()]
    return {
        (need, proposal): fit(Features(one.challenges), Features(other.challenges), signals, SHIPPED)
        for need, one in needs.items()
        for (proposal, other), signals in zip(
            proposals.items(), seen(background(), Side.NEED, prepared(Side.NEED, one.text), offers), strict=True
        )
    }


def reworded(key: str) -> Text:
    """A text of the sample in other words."""
    text, change = ({**NEEDS, **PROPOSALS}[key]).text, REWORDED[key]
    said = [each.quote for each in sentences(text) if each.field is Field.BODY]
    third = len(said) - len(said) // 3
    body = " ".join([change["opening"], *said[third:], *said[:third]])
    for old, new in change["instead"].items():
        body = body.replace(old, new)
    return replace(text, title=change["title"], body=body)


def ranks(found: Mapping[tuple[str, str], Fit]) -> dict[tuple[str, str], tuple[int, int]]:
    """Of each pair that people would match: the proposal's place among the need's, and the need's among its own."""
    return {
        (need, proposal): (
            sum(other.log_odds > found[need, proposal].log_odds for (n, _), other in found.items() if n == need),
            sum(other.log_odds > found[need, proposal].log_odds for (_, p), other in found.items() if p == proposal),
        )
        for need, proposal in EXPECTED
    }


def stuffed(text: Text, words: list[str]) -> Text:
    """A text with more in its body."""
    return replace(text, body=f"{text.body}\n{', '.join(words)}.")


def best(proposal: Written) -> Fit:
    """The best that a proposal gets of any need; in ties the first."""
    return max(fits(NEEDS, {"it": proposal}).values(), key=lambda each: each.log_odds)


def test_above_the_threshold_are_the_pairs_that_people_would_match_and_no_others() -> None:
    assert {pair for pair, found in fits(NEEDS, PROPOSALS).items() if found.good} == EXPECTED
    assert THRESHOLD == 0.5


def test_other_words_of_the_same_sense_move_no_pair_that_people_would_match_by_a_rank() -> None:
    first = fits(NEEDS, PROPOSALS)
    before = ranks(first)
    for key in REWORDED:
        needs, proposals = dict(NEEDS), dict(PROPOSALS)
        side = needs if key in needs else proposals
        side[key] = replace(side[key], text=reworded(key))
        found = fits(needs, proposals)
        assert ranks(found) == before
        assert {pair for pair, each in found.items() if each.good} == EXPECTED
        assert max(abs(found[pair].score - first[pair].score) for pair in EXPECTED) <= SHIFT


@pytest.mark.parametrize("key", REWORDED)
def test_a_rewording_replaces_what_it_says(key: str) -> None:
    text = {**NEEDS, **PROPOSALS}[key].text
    assert not [old for old in REWORDED[key]["instead"] if old not in text.body]
    assert not {text.title, text.body} & {reworded(key).title, reworded(key).body}


@pytest.mark.parametrize("words", [[each.title for each in Challenge], SPELLINGS], ids=["challenges", "names"])
def test_a_proposal_stuffed_with_words_of_everything_gains_no_match_and_hardly_any_score(words: list[str]) -> None:
    for proposal in PROPOSALS.values():
        plain, full = best(proposal), best(replace(proposal, text=stuffed(proposal.text, words)))
        assert full.score <= plain.score + GAIN
        assert full.score < THRESHOLD or plain.good


def test_every_proposal_that_matches_loses_by_a_list_of_all_technical_names() -> None:
    matched = [proposal for proposal in PROPOSALS.values() if best(proposal).good]
    assert len(matched) == len({proposal for _, proposal in EXPECTED})
    for proposal in matched:
        assert best(replace(proposal, text=stuffed(proposal.text, SPELLINGS))).score < best(proposal).score
