"""Matching's tables with any number of open needs in them, and the proposals that are asked about."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

import numpy as np

from deploy.bench.mixtures import FOOTER, HEADER, Mixtures, mixtures, rows
from deploy.bench.phrases import Phrase
from deploy.bench.texts import BENCH
from services.matching.models import ProposalCopy
from services.matching.scoring.background import Prepared, Side, Vector
from services.matching.scoring.packing import WIDTH, packed, place, question
from shared.db import Driver
from shared.events import Teaser
from shared.vocabulary import Language, Province, Region

TABLES = """
    create schema bench;
    create table bench.text (number int primary key, title text, body text, language text, prepared bytea);
    create unlogged table bench.row (number int, text int, challenges int[], place halfvec);
"""
ADD = """
    insert into need (need_id, version, title, body, language, challenges, embedding, prepared, embedded_version,
        background, region, closed, parts, evidence, partnerships)
    select lpad(to_hex(r.number), 32, '0')::uuid, 1, title, body, language, r.challenges, r.place, t.prepared, 1,
        $1, $2, false, '[]', '[]', '[]'
    from bench.row r join bench.text t on t.number = r.text
"""
INDEX = "need_embedding"


@dataclass(frozen=True)
class Asked:
    """A proposal whose candidates are sought."""

    proposal: ProposalCopy
    question: Vector
    texts: Sequence[int]
    """The numbers of the texts that it is of."""
    mask: int
    """Its challenges, as bits."""


class Stock:
    """Texts, and any number of needs that are mixtures of them."""

    def __init__(self, phrases: Sequence[Phrase], needs: Sequence[Prepared], proposals: Sequence[Prepared]) -> None:
        """Take the texts as phrases, as needs and as proposals."""
        self.phrases, self._needs, self._proposals = phrases, needs, proposals
        self._challenges = [phrase.challenge for phrase in phrases]
        self._places = np.array([place(need, Side.NEED) for need in needs])

    def some(self, first: int, end: int) -> Iterator[Mixtures]:
        """The needs with these numbers, a part of them at a time."""
        return mixtures(self._places, self._challenges, first, end)

    def asked(self, many: int, background: int) -> list[Asked]:
        """Proposals that are mixtures as well."""
        questions = np.array([question(proposal) for proposal in self._proposals])
        (mixed,) = mixtures(questions, self._challenges, 0, many, seed=1)
        # A text is in one language, whatever it is a mixture of.
        mixed.places[:, WIDTH:] = questions[mixed.texts[:, 0], WIDTH:]
        return [self._asked(mixed, number, background) for number in range(many)]

    def _asked(self, mixed: Mixtures, number: int, background: int) -> Asked:
        one = int(mixed.texts[number, 0])
        return Asked(
            ProposalCopy(
                **a_proposal(self.phrases[one], number),
                challenges=mixed.challenges_of(number),
                prepared=packed(self._proposals[one]),
                embedded_version=1,
                background=background,
            ),
            mixed.places[number],
            mixed.texts[number].tolist(),
            int(mixed.masks[number]),
        )

    async def begin(self, database: Driver) -> None:
        """Have the texts in the database."""
        await database.execute(TABLES)
        texts = [
            (number, phrase.text.title, phrase.text.body, phrase.text.language, packed(need))
            for number, (phrase, need) in enumerate(zip(self.phrases, self._needs, strict=True))
        ]
        await database.copy_records_to_table("text", schema_name="bench", records=texts)

    async def add(self, database: Driver, background: int, first: int, end: int) -> None:
        """Have the needs with these numbers in the table as well."""
        for mixed in self.some(first, end):
            await database.execute("truncate bench.row")
            await database.copy_to_table("row", schema_name="bench", source=_copied(mixed), format="binary")
            await database.execute(ADD, background, Region.HEBEI)


def need_number(need_id: UUID) -> int:
    """A need's number."""
    return need_id.int


def a_proposal(phrase: Phrase, number: int) -> dict[str, Any]:
    """A proposal's columns, all but what it is found by."""
    text = phrase.text
    company = uuid5(BENCH, "company")
    return {
        "proposal_id": uuid5(BENCH, f"asked {number}"),
        "version": 1,
        "title": text.title,
        "body": text.body,
        "language": text.language,
        "lead_id": company,
        "members": [company],
        "provinces": [Province.LIMBURG],
        "withdrawn": False,
        "kind": "proposal",
        "teaser": Teaser.TITLE,
        "partnerships": [],
        "working_languages": [Language.ENGLISH],
        "regions": [],
    }


async def _copied(mixed: Mixtures) -> AsyncIterator[bytes]:
    yield HEADER
    for part in rows(mixed):
        yield part
    yield FOOTER
