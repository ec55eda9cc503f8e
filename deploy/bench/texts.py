"""Texts as long as people write them, put together from the sample's sentences in three languages."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from uuid import UUID, uuid5

from deploy.demo.sample import load
from shared.events import NeedPosted, ProposalSubmitted
from shared.vocabulary import Language, Province, Region

BENCH = UUID("b1f0c3c4-3f0e-5a53-9df1-6a9c7b9e5d10")
TITLE = (40, 120)
BODY = (600, 1_500)
SENTENCE = re.compile(r"(?<=[.;:?!])\s+|(?<=[。；：？！])|\n+")


@dataclass(frozen=True)
class Text:
    """A title, a body, and what they are about."""

    title: str
    body: str
    language: Language
    challenges: tuple[int, ...]


def a_text(number: int) -> Text:
    """The text of that number: one theme of the sample, its sentences in another order and mixed with two others'."""
    dice = random.Random(number)
    themes = _themes()
    theme = themes[number % len(themes)]
    others = [other for other in themes if other.language == theme.language]
    sentences = [*theme.sentences, *dice.choice(others).sentences, *dice.choice(others).sentences]
    dice.shuffle(sentences)
    glue = "" if theme.language is Language.CHINESE else " "
    return Text(
        title=_of_length(dice, TITLE, [theme.title, *sentences], glue),
        body=_of_length(dice, BODY, sentences, glue),
        language=theme.language,
        challenges=theme.challenges,
    )


def a_proposal(number: int) -> ProposalSubmitted:
    """A proposal's event."""
    text = a_text(number)
    company = uuid5(BENCH, "company")
    return ProposalSubmitted(
        proposal_id=uuid5(BENCH, f"proposal {number}"),
        version=1,
        lead_id=company,
        members=(company,),
        provinces=(Province.LIMBURG,),
        contact_id=uuid5(BENCH, "contact"),
        **vars(text),
    )


def a_need(number: int) -> NeedPosted:
    """A need's event; its text is not that of the proposal of the same number."""
    text = a_text(number + 1_000_003)
    region = list(Region)[number % len(Region)]
    return NeedPosted(
        need_id=uuid5(BENCH, f"need {number}"),
        version=1,
        region=region,
        contact_id=uuid5(BENCH, f"contact {region}"),
        **vars(text),
    )


@dataclass(frozen=True)
class _Theme:
    title: str
    sentences: Sequence[str]
    language: Language
    challenges: tuple[int, ...]


@cache
def _themes() -> list[_Theme]:
    sample = load()
    return [
        _Theme(text.title, SENTENCE.split(text.body), Language(text.language), tuple(text.challenges))
        for text in (*sample.needs, *sample.proposals)
    ]


def _of_length(dice: random.Random, limits: tuple[int, int], sentences: Sequence[str], glue: str) -> str:
    """Sentences one after the other until there are enough characters, cut off where there are too many."""
    least, most = dice.randint(*limits), limits[1]
    text = ""
    for sentence in sentences:
        text = f"{text}{glue}{sentence}".strip()
        if len(text) >= least:
            break
    return text[:most].strip()
