"""e2e: from sending a proposal's POST to its first MatchFound at an outside consumer, among 1,000 open needs."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from operator import itemgetter
from typing import TypeAlias

import asyncpg
import httpx
import orjson
from aiokafka import AIOKafkaConsumer

from deploy.bench import people
from deploy.bench.ground import Figures, Ground, at_rate, eventually, milliseconds
from deploy.bench.texts import Text, a_need, a_text
from deploy.demo.client import Client
from deploy.embedded.secrets import SUPERUSER
from deploy.waiting import beside
from services.matching.scoring.encoders import encoder, models
from shared.events import MatchFound
from shared.kafka import client
from shared.vocabulary import Language

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

NEEDS = 1_000
AT_ONCE = 8
RATES = (5, 20)
HIGHER = (30, 40, 60, 80, 120, 160)
SECONDS = 30
KEPT_UP = 1.0
"""Seconds that the slowest proposal of the last third may take, if a rate is to count as kept up."""

SEARCHABLE = "select count(*) from matching.need where embedded_version = version"
MATCHED = """
    select (select count(*) from matching.proposal p where embedded_version = version
                and not exists (select from matching.to_match t where t.id = p.proposal_id)),
           (select count(distinct proposal_id) from matching.match)
"""


async def run(ground: Ground) -> Figures:
    """Post the needs, then send proposals at rising rates until one is not kept up."""
    await ground.platform.start()
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=60))
        database = await asyncpg.connect(ground.platform.database_url(SUPERUSER))
        stack.push_async_callback(database.close)
        found = await stack.enter_async_context(_first_matches(ground))
        with ground.step(f"e2e: {NEEDS} needs become searchable"):
            await _post_needs(ground, http, database)
        proposals = Proposals(*await people.company(ground.platform, http), database, found)

        async def at(rate: int) -> list[float]:
            with ground.step(f"e2e: {rate} proposals a second"):
                return await proposals.at(rate)

        await at(RATES[0])  # opens connections, loads the model
        waits = {rate: await at(rate) for rate in RATES}
        figures = {f"at_{rate}_per_second": milliseconds(seconds) for rate, seconds in waits.items()}
        return {
            # In a thread: the consumer beside it is to go on fetching.
            **await asyncio.to_thread(_texts, statistics.median(waits[RATES[0]])),
            "proposals_with_a_match": round(len(found) / len(proposals.sent), 2),
            **figures,
            "kept_up_per_second": await _kept_up(at, waits),
        }


async def _post_needs(ground: Ground, http: httpx.AsyncClient, database: Connection) -> None:
    region, contact = await people.region(ground.platform, http)
    room = asyncio.Semaphore(AT_ONCE)

    async def post(number: int) -> None:
        need = a_need(number)
        body = need.model_dump(mode="json", include={"title", "body", "language", "challenges"})
        async with room:
            await region.command("regions", "/needs", body | {"contact_id": contact})

    async def searchable() -> bool:
        return bool(await database.fetchval(SEARCHABLE) == NEEDS)

    await asyncio.gather(*(post(number) for number in range(NEEDS)))
    await eventually("the needs are searchable", searchable)


class Proposals:
    """A company's proposals: when each was sent, and when its first match came, if any did."""

    def __init__(self, company: Client, contact: str, database: Connection, found: Mapping[str, float]) -> None:
        self.company = company
        self.contact = contact
        self.database = database
        self.found = found
        self.sent: dict[str, float] = {}
        self._numbers = count()

    async def at(self, rate: int) -> list[float]:
        """Seconds that each proposal took at this rate, in the order they were sent, but for those without a match."""
        before = len(self.sent)
        await at_rate(rate, rate * SECONDS, self._submit)
        await eventually("all proposals are matched", self._matched)
        sent = list(self.sent.items())[before:]
        return [self.found[key] - start for key, start in sorted(sent, key=itemgetter(1)) if key in self.found]

    async def _submit(self, _: int) -> None:
        body = vars(a_text(next(self._numbers))) | {"contact_id": self.contact}
        start = time.perf_counter()
        answer = await self.company.command("intake", "/proposals", body)
        self.sent[answer["proposal_id"]] = start

    async def _matched(self) -> bool:
        matched = await self.database.fetchrow(MATCHED)
        return matched is not None and tuple(matched) == (len(self.sent), len(self.found))


async def _kept_up(at: Callable[[int], Awaitable[list[float]]], waits: dict[int, list[float]]) -> int:
    """The highest rate at which none of the last third of the proposals waited longer than KEPT_UP."""
    best = 0
    for rate in (*RATES, *HIGHER):
        seconds = waits.get(rate) or await at(rate)
        if max(seconds[-len(seconds) // 3 :]) > KEPT_UP:
            break
        best = rate
    return best


def _texts(median: float) -> Figures:
    """How long the texts are, and how much of the median is spent on a proposal's vectors."""
    texts: Sequence[Text] = [a_text(number) for number in range(20)]
    readers = [encoder(model) for model in models(Language.ENGLISH)]
    for reader in readers:
        reader.encode([texts[0].title])
    start = time.perf_counter()
    for text in texts:
        for reader in readers:
            reader.encode([text.title, f"{text.title}\n{text.body}"])
    seconds = (time.perf_counter() - start) / len(texts)
    return {
        "needs": NEEDS,
        "mean_title_characters": round(statistics.mean(len(text.title) for text in texts)),
        "mean_body_characters": round(statistics.mean(len(text.body) for text in texts)),
        "embedding_mean_ms": round(seconds * 1_000, 1),
        "embedding_share_of_p50": round(seconds / median, 2),
    }


@asynccontextmanager
async def _first_matches(ground: Ground) -> AsyncIterator[dict[str, float]]:
    """When each proposal's first MatchFound came."""
    found: dict[str, float] = {}
    consumer = AIOKafkaConsumer(
        MatchFound.topic, **client(ground.kafka), auto_offset_reset="earliest", fetch_max_wait_ms=50
    )

    async def note() -> None:
        async for record in consumer:
            if dict(record.headers)["ce_type"] == b"MatchFound":
                found.setdefault(orjson.loads(record.value)["proposal_id"], time.perf_counter())

    async with consumer, beside(note()):
        yield found
