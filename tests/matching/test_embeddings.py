"""A text is embedded once, however often it is asked about."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from sqlalchemy import text

from services.matching.current import outside
from services.matching.embeddings import BATCH, encoded
from services.matching.scoring import encoders
from services.matching.scoring.endpoint import EncodingError, Endpoint
from shared.db import Sessions
from shared.problems import Problem
from shared.settings import Embeddings
from tests.matching.embedder import Embedder

TEXTS = ["Membrane treatment of landfill leachate", "渗滤液的膜处理", "Restwarmte van een staalfabriek"]


async def rows(alone: Sessions) -> list[Any]:
    """What is stored, and by which transaction."""
    async with alone() as db:
        return list(await db.execute(text("select model, hash, xmin::text from embedding order by model, hash")))


@pytest_asyncio.fixture
async def embedder(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Embedder]:
    """A server in place of the models, which counts what it is asked for."""
    made = Embedder()
    with made.listen() as url:
        settings = {"url": url, "model": "some-model"}
        monkeypatch.setattr(encoders, "ENDPOINT", Endpoint(Embeddings.model_validate(settings), ()))
        yield made


async def test_vectors_are_the_models_own_in_the_order_of_the_texts(alone: Sessions) -> None:
    wanted = {"e5": [*TEXTS, TEXTS[0]], "use": TEXTS[::-1]}
    first = await encoded(alone, wanted)
    again = await encoded(alone, wanted)
    for model, texts in wanted.items():
        assert np.allclose(first[model], encoders.encoder(model).encode(texts), atol=1e-6)
        assert np.array_equal(first[model], again[model])
    assert len(await rows(alone)) == 6


async def test_what_was_embedded_once_is_never_embedded_again(alone: Sessions, embedder: Embedder) -> None:
    await encoded(alone, {"endpoint": TEXTS})
    stored = await rows(alone)
    await encoded(alone, {"endpoint": TEXTS})
    await encoded(alone, {"endpoint": TEXTS[:1]})
    assert embedder.texts == TEXTS
    assert await rows(alone) == stored


async def test_the_same_text_twice_in_one_call_is_embedded_once(alone: Sessions, embedder: Embedder) -> None:
    found = await encoded(alone, {"endpoint": ["water", "soil", "water"]})
    assert embedder.texts == ["water", "soil"]
    assert np.array_equal(found["endpoint"][0], found["endpoint"][2])


async def test_only_what_is_new_is_embedded(alone: Sessions, embedder: Embedder) -> None:
    await encoded(alone, {"endpoint": ["water"]})
    await encoded(alone, {"endpoint": ["soil", "water"]})
    assert embedder.texts == ["water", "soil"]


async def test_another_model_of_the_endpoint_embeds_anew(
    alone: Sessions, embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    await encoded(alone, {"endpoint": ["water"]})
    with embedder.listen() as url:
        settings = {"url": url, "model": "another-model"}
        monkeypatch.setattr(encoders, "ENDPOINT", Endpoint(Embeddings.model_validate(settings), ()))
        await encoded(alone, {"endpoint": ["water"]})
    assert embedder.texts == ["water", "water"]
    assert len({model for model, *_ in await rows(alone)}) == 2


async def test_workers_that_embed_the_same_texts_at_once_agree(alone: Sessions, embedder: Embedder) -> None:
    texts = [f"text {number}" for number in range(BATCH)]
    calls = [encoded(alone, {"endpoint": order}) for order in (texts, texts[::-1], texts, texts[::-1])]
    one, other, *_ = [found["endpoint"] for found in await asyncio.gather(*calls)]
    assert np.array_equal(one, other[::-1])
    assert len(await rows(alone)) == BATCH


async def test_what_was_done_before_an_interruption_stays(alone: Sessions, embedder: Embedder) -> None:
    texts = [f"text {number}" for number in range(BATCH + 1)]
    embedder.refusals.extend([200, 400])
    with pytest.raises(EncodingError):
        await encoded(alone, {"endpoint": texts})
    assert len(await rows(alone)) == BATCH
    assert len((await encoded(alone, {"endpoint": texts}))["endpoint"]) == len(texts)
    assert embedder.texts == [*texts, texts[-1]]


async def test_a_server_that_has_another_model_by_the_same_name_is_told(alone: Sessions, embedder: Embedder) -> None:
    await encoded(alone, {"endpoint": ["water"]})
    embedder.change = lambda found: [row | {"embedding": [1.0, 2.0]} for row in found]
    with pytest.raises(EncodingError, match="2, 8 numbers at different times"):
        await encoded(alone, {"endpoint": ["water", "soil"]})


async def test_nothing_wanted_is_nothing_done(alone: Sessions, embedder: Embedder) -> None:
    assert (await encoded(alone, {"endpoint": []}))["endpoint"].size == 0
    assert embedder.requests == []


async def test_a_request_whose_text_cannot_be_read_is_told_to_come_back(alone: Sessions, embedder: Embedder) -> None:
    async def asked() -> None:
        async with alone() as db, outside(db) as (elsewhere, _):
            embedder.refusals.append(400)
            await encoded(elsewhere, {"endpoint": ["water"]})

    with pytest.raises(Problem) as refused:
        await asked()
    assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "5"})
    assert "model" in refused.value.document.detail
