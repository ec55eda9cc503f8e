"""What matches are scored by now: the background, and the combiner. Each process makes them once a version."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, func, select

from services.matching import combiners
from services.matching.embeddings import encoded
from services.matching.models import BackgroundText
from services.matching.scoring.background import Background, Encoded, Prepared, Side, joined, wanted
from services.matching.scoring.combiner import Combiner
from services.matching.scoring.encoders import models
from services.matching.scoring.endpoint import EncodingError
from services.matching.scoring.reference import reference, shipped
from services.matching.scoring.texts import Text
from shared.db import Db, Sessions
from shared.db import sessions as sessions_on
from shared.problems import unavailable
from shared.vocabulary import Language

log = logging.getLogger(__name__)

READER = models(Language.ENGLISH)[0]
"""The model that reads all languages."""
SCORER = "corrected-1"
"""Names the way in which a pair is seen; a change of it is a new name."""


@dataclass(frozen=True)
class Current:
    """What a score is made by."""

    version: int
    """The background's; 0: texts of our own alone."""
    background: Background
    combiner: Combiner

    @property
    def model(self) -> str:
        """Names what scored a match: the way, the background's version, the combiner's."""
        return f"{SCORER}.{self.version}.{self.combiner.version}"


_made: dict[tuple[str, int], Background] = {}
_making = asyncio.Lock()


async def current(sessions: Sessions) -> Current:
    """What scores are made by now; at first, and after a refresh, that takes seconds."""
    async with sessions() as db:
        version = (await db.scalars(select(func.coalesce(func.max(BackgroundText.version), 0)))).one()
        combiner = await combiners.current(db)
        database = str(db.get_bind().engine.url)
    async with _making:
        if (database, version) not in _made:
            made = await _background(sessions, version)
            _made.clear()
            _made[database, version] = made
        return Current(version, _made[database, version], combiner)


@asynccontextmanager
async def outside(db: Db) -> AsyncIterator[tuple[Sessions, Current]]:
    """End a request's transaction, as embedding takes long and none is to wait for it; what to go on with.

    What was read stays readable. A model that can't be reached is answered with a 503.
    """
    db.expunge_all()
    await db.rollback()
    elsewhere = sessions_on(cast(AsyncEngine, db.bind))
    try:
        yield elsewhere, await current(elsewhere)
    except EncodingError as error:
        log.error("A text was not read: %s", error)
        raise unavailable("The model that reads texts") from error


async def prepared(sessions: Sessions, now: Current, side: Side, texts: Sequence[Text]) -> list[Prepared]:
    """Texts ready to be compared, in the order given; each is embedded once, ever."""
    return await asyncio.to_thread(now.background.prepared, side, await encode(sessions, texts))


async def recognised(sessions: Sessions, now: Current, titles: Sequence[str]) -> list[Text]:
    """Titles that do not say what language they are in."""
    if not titles:
        return []
    vectors = (await encoded(sessions, {READER: titles}))[READER]
    return [Text(title, "", now.background.language(vector)) for title, vector in zip(titles, vectors, strict=True)]


async def encode(sessions: Sessions, texts: Sequence[Text]) -> list[Encoded]:
    """The texts with the vectors of their headings and of all of them."""
    return joined(texts, await encoded(sessions, wanted(texts)))


async def _background(sessions: Sessions, version: int) -> Background:
    async with sessions() as db:
        rows = (await db.scalars(select(BackgroundText).where(col(BackgroundText.version) == version))).all()
    ours = shipped() or await encode(sessions, reference())
    collected: Mapping[Side, list[Text]] = {side: [] for side in Side}
    for row in rows:
        collected[Side(row.side)].append(Text(row.title, row.body, Language(row.language)))
    found = {side: await encode(sessions, texts) for side, texts in collected.items() if texts}
    return Background(ours, found)
