"""match: the candidates of one proposal among very many open needs, and how well each fits, beside exact searches."""

import asyncio
import resource
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
from sqlalchemy import text

from deploy.bench.ground import Figures, Ground, milliseconds, percentile
from deploy.bench.peers import exact, words
from deploy.bench.phrases import phrases
from deploy.bench.stock import INDEX, Asked, Stock, a_proposal, need_number
from deploy.embedded.secrets import SUPERUSER
from deploy.problems import Problem
from services.matching.constraints import NOTHING_KNOWN
from services.matching.current import Current, current, encode, prepared
from services.matching.models import ProposalCopy
from services.matching.pairs import fits_of
from services.matching.refresh import refresh
from services.matching.scoring.background import Side
from services.matching.search import CANDIDATES, candidates
from services.matching.workers import match_next
from shared.db import Driver, Sessions, connect, sessions
from shared.settings import Database

SETTINGS = {"postgres_buffers": 2_147_483_648}
"""What an operator gives it who has a million needs: the index over them fits."""
SIZES = (1_000, 10_000, 100_000)
TEXTS = 5_000
FRESH = 100
"""Texts that are embedded in every run, to see how long it takes."""
QUESTIONS = 200
WARM_UP = 20
EXACT = 20
"""Questions that the table without its index is asked."""
ANEW = 1_000
"""Needs that are matched anew against another background, and of proposals:"""
PROPOSALS = 100
WORKERS = 2
KEPT = "vectors"

VECTORS = "select count(*) from embedding"
WAITING = "select count(*) from to_match"
NO_INDEX = text("set local enable_indexscan = off")


async def run(ground: Ground) -> Figures:
    """Ask the same questions of ever more needs, then match some of them anew."""
    sizes = sorted(ground.sizes or SIZES)
    async with _tables(ground) as (made, database):
        await _restore(database, ground.kept / KEPT)
        now = await current(made)
        with ground.step(f"match: {TEXTS} texts, embedded unless an earlier run did it"):
            stock = await _stock(made, now)
            await _keep(database, ground.kept / KEPT)
        embedding = await _embedding(made)
        await stock.begin(database)
        questions = stock.asked(QUESTIONS, now.version)
        found = {}
        for fewer, size in zip([0, *sizes], sizes, strict=False):
            with ground.step(f"match: {size} needs"):
                stored = await _grow(database, stock, now, fewer, size)
                found[size] = stored | await _searches(made, now, stock, questions, size)
        with ground.step(f"match: {ANEW} needs anew"):
            anew = await _anew(made, database, stock, now)
        return {
            "embedding": embedding,
            **{f"{size}_needs": figures for size, figures in found.items()},
            "anew": anew,
            "memory": {"postgres_mb": ground.platform.memory("postgres"), "bench_mb": _own_memory()},
            **_growth(found),
            "ratio": ratio_of(found),
        }


@asynccontextmanager
async def _tables(ground: Ground) -> AsyncIterator[tuple[Sessions, Driver]]:
    """Matching's own tables: as the service has them, and as the one who may do all."""
    service = ground.platform.manifest.services["matching"]
    engine = connect(Database(url=ground.platform.database_url(service.role)), "bench")
    database = await asyncpg.connect(
        ground.platform.database_url(SUPERUSER), server_settings={"search_path": "matching"}
    )
    try:
        yield sessions(engine), database
    finally:
        await database.close()
        await engine.dispose()


async def _restore(database: Driver, file: Path) -> None:
    """Have what an earlier run embedded."""
    with suppress(FileNotFoundError):
        await database.copy_to_table("embedding", source=file, format="binary")


async def _keep(database: Driver, file: Path) -> None:
    """Write down what was embedded, for the next run."""
    beside = file.with_suffix(".new")
    await asyncio.to_thread(file.parent.mkdir, parents=True, exist_ok=True)
    await database.copy_from_table("embedding", output=beside, format="binary")
    await asyncio.to_thread(beside.replace, file)


async def _stock(made: Sessions, now: Current) -> Stock:
    texts = phrases(TEXTS)
    sides = [await prepared(made, now, side, [phrase.text for phrase in texts]) for side in (Side.NEED, Side.PROPOSAL)]
    return Stock(texts, *sides)


async def _embedding(made: Sessions) -> Figures:
    """Texts a second with all that their languages' models read of each; and once more, when they are known."""
    fresh = [phrase.text for phrase in phrases(TEXTS + FRESH)[TEXTS:]]
    rates = []
    for _ in range(2):
        begin = time.perf_counter()
        await encode(made, fresh)
        rates.append(round(FRESH / (time.perf_counter() - begin)))
    return dict(zip(("texts_per_second", "known_texts_per_second"), rates, strict=True))


async def _grow(database: Driver, stock: Stock, now: Current, fewer: int, size: int) -> Figures:
    """So many needs and the index over them, built in one go as for a table that is there already."""
    definition = await database.fetchval(f"select pg_get_indexdef('{INDEX}'::regclass)")
    await database.execute(f"drop index {INDEX}")
    begin = time.perf_counter()
    await stock.add(database, now.version, fewer, size)
    stored = time.perf_counter()
    await database.execute(f"set maintenance_work_mem = '{64 + size // 500}MB'")
    await database.execute(definition)
    built = time.perf_counter()
    await database.execute("vacuum analyze need")
    table, index = [await database.fetchval(f"select pg_total_relation_size('{name}')") for name in ("need", INDEX)]
    return {
        "stored_per_second": round((size - fewer) / (stored - begin)),
        "index_built_in_s": float(f"{built - stored:.3g}"),
        "index_mb": round(index / 1e6, 1),
        "table_and_indexes_mb": round(table / 1e6, 1),
    }


async def _searches(made: Sessions, now: Current, stock: Stock, questions: Sequence[Asked], size: int) -> Figures:
    await _search(made, now, questions[:WARM_UP])
    searched, scored, found = await _search(made, now, questions)
    truly = await asyncio.to_thread(exact.nearest, stock.some(0, size), questions, CANDIDATES)
    scanned, _, _ = await _search(made, now, questions[:EXACT], exactly=True)
    peers = {"search": searched, "scores": scored, "pgvector_exact": scanned}
    peers["numpy_exact"] = [each.seconds for each in truly]
    if size <= words.MOST:
        peers["bm25s"] = await asyncio.to_thread(
            words.seconds, stock.phrases, stock.some(0, size), questions, CANDIDATES
        )
    recall = [len(held & set(each.numbers.tolist())) for held, each in zip(found, truly, strict=True)]
    return {
        **milliseconds([sum(both) for both in zip(searched, scored, strict=True)]),
        "recall": round(sum(recall) / sum(len(each.numbers) for each in truly), 4),
        **{f"{name}_p50_ms": float(f"{percentile(each, 50) * 1_000:.3g}") for name, each in peers.items()},
    }


async def _search(
    made: Sessions, now: Current, questions: Sequence[Asked], *, exactly: bool = False
) -> tuple[list[float], list[float], list[set[int]]]:
    """Each question's candidates by number, the seconds that they took, and the seconds that their scores took."""
    searched, scored, found = [], [], []
    for asked in questions:
        async with made() as db, db.begin():
            await db.execute(NO_INDEX if exactly else text("select 1"))
            begin = time.perf_counter()
            near = await candidates(db, asked.proposal, asked.question, [])
            between = time.perf_counter()
            fits_of(now, NOTHING_KNOWN, asked.proposal, near)
            scored.append(time.perf_counter() - between)
        searched.append(between - begin)
        found.append({need_number(need.need_id) for need, _ in near})
    return searched, scored, found


async def _anew(made: Sessions, database: Driver, stock: Stock, now: Current) -> Figures:
    """Sides a second that are matched against another background, interrupted half-way and gone on with.

    Raises:
        Problem: a text was embedded that was before.
    """
    await database.execute("truncate need, proposal")
    await stock.add(database, now.version, 0, ANEW)
    async with made() as db, db.begin():
        db.add_all(
            ProposalCopy(**a_proposal(phrase, number), challenges=[phrase.challenge])
            for number, phrase in enumerate(stock.phrases[:PROPOSALS])
        )
    known = await database.fetchval(VECTORS)
    await refresh(made)
    all_of_them = await database.fetchval(WAITING)
    begin = time.perf_counter()
    await _until_half(made, database, all_of_them)
    left = await database.fetchval(WAITING)
    rate = (all_of_them - left) / (time.perf_counter() - begin)
    await database.execute("update to_match set leased_until = null")  # what a killed worker held, 30 seconds sooner
    await asyncio.gather(*(_drain(made) for _ in range(WORKERS)))
    if await database.fetchval(VECTORS) != known:
        raise Problem("Matching anew embedded texts that were known.", "See services/matching/embeddings.py.")
    return {
        "sides_per_second": round(rate, 1),
        "done_when_interrupted": all_of_them - left,
        "done_when_gone_on_with": left - await database.fetchval(WAITING),
    }


async def _until_half(made: Sessions, database: Driver, all_of_them: int) -> None:
    """Match until half of them are left, and stop amid the work."""
    workers = [asyncio.create_task(_drain(made)) for _ in range(WORKERS)]
    try:
        while await database.fetchval(WAITING) > all_of_them / 2:
            done, _ = await asyncio.wait(workers, timeout=0.1)
            for worker in done:
                worker.result()
    finally:
        for worker in workers:
            worker.cancel()
            with suppress(asyncio.CancelledError):
                await worker


async def _drain(made: Sessions) -> None:
    while await match_next(made):
        pass


def _own_memory() -> int:
    """MB that this process held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024 // 1_000_000


def _growth(found: dict[int, Figures]) -> Figures:
    """How many times as long the median takes with so many times the needs."""
    least, most = min(found), max(found)
    if least == most:
        return {}
    times = found[most]["p50_ms"] / found[least]["p50_ms"]
    return {f"times_as_long_with_{most // least}_times_the_needs": round(times, 2)}


def ratio_of(found: dict[int, Figures]) -> Figures:
    """By the medians, among the most needs that the peer was asked about, if it was."""
    ratio = {}
    for peer in ("pgvector_exact", "numpy_exact", "bm25s"):
        if sizes := [size for size, figures in found.items() if f"{peer}_p50_ms" in figures]:
            size = max(sizes)
            times = found[size][f"{peer}_p50_ms"] / found[size]["search_p50_ms"]
            ratio[f"{peer.replace('_', ', ')}, {size} needs"] = float(f"{times:.3g}")
    return ratio
