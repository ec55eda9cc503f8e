"""Vectors from a server that was set up: it is asked kindly, and what it answers is not taken on trust."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from deploy.settings import free_ports
from services.matching.scoring.endpoint import AT_ONCE, CHARACTERS, EncodingError, Endpoint
from shared.settings import Embeddings
from tests.matching.embedder import Change, Embedder, vector_of

PAUSES = (0.0, 0.0)
SECRET = "a-key-nobody-may-read"


@pytest.fixture
def embedder() -> Embedder:
    """The server."""
    return Embedder()


@pytest.fixture
def made(embedder: Embedder) -> Iterator[Callable[..., Endpoint]]:
    """An endpoint that asks the server."""
    with embedder.listen() as url:
        yield lambda **settings: _endpoint(url=url, **settings)


def _endpoint(**settings: Any) -> Endpoint:
    return Endpoint(Embeddings(**{"model": "some-model", "key": SECRET} | settings), PAUSES)


def expected(texts: list[str]) -> NDArray[np.float32]:
    rows = np.array([vector_of(text) for text in texts], np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def test_each_text_has_its_vector_whatever_the_order_of_the_answer(
    embedder: Embedder, made: Callable[..., Endpoint]
) -> None:
    embedder.change = lambda rows: rows[::-1]
    texts = [f"text {number}" for number in range(AT_ONCE + 3)]
    assert np.allclose(made().encode(texts), expected(texts), atol=1e-6)
    assert [len(request["input"]) for request in embedder.requests] == [AT_ONCE, 3]


def test_it_is_told_model_key_and_length(embedder: Embedder, made: Callable[..., Endpoint]) -> None:
    made(dimensions=8).encode(["é" * (CHARACTERS + 1)])
    (request,), (headers,) = embedder.requests, embedder.headers
    assert request == {
        "path": "/v1/embeddings",
        "model": "some-model",
        "dimensions": 8,
        "input": ["é" * CHARACTERS],
    }
    assert headers["Authorization"] == f"Bearer {SECRET}"


def test_without_key_and_length_neither_is_named(embedder: Embedder, made: Callable[..., Endpoint]) -> None:
    made(key=None).encode(["water"])
    assert "dimensions" not in embedder.requests[0]
    assert "Authorization" not in embedder.headers[0]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_go_well_later_is_tried_again(embedder: Embedder, made: Callable[..., Endpoint], status: int) -> None:
    embedder.refusals.extend([status, status])
    assert np.allclose(made().encode(["water"]), expected(["water"]), atol=1e-6)
    assert embedder.texts == ["water"] * 3


def test_it_is_not_tried_for_ever(embedder: Embedder, made: Callable[..., Endpoint]) -> None:
    embedder.refusals.extend([429] * 9)
    with pytest.raises(EncodingError, match=r"429.* check the quota"):
        made().encode(["water"])
    assert len(embedder.requests) == 1 + len(PAUSES)


@pytest.mark.parametrize(
    ("status", "setting"), [(401, "KEY"), (403, "KEY"), (404, "MODEL"), (400, "DIMENSIONS"), (302, "URL")]
)
def test_what_stays_wrong_is_asked_once_and_the_error_names_the_setting(
    embedder: Embedder, made: Callable[..., Endpoint], status: int, setting: str
) -> None:
    embedder.refusals.append(status)
    with pytest.raises(EncodingError, match=f"{status}.*I2PCC_EMBEDDINGS_{setting}") as caught:
        made().encode(["water"])
    assert len(embedder.requests) == 1
    assert SECRET not in str(caught.value)


def test_a_server_that_is_not_there_is_told() -> None:
    (port,) = free_ports(1)
    with pytest.raises(EncodingError, match=r"ConnectError.*I2PCC_EMBEDDINGS_URL is right"):
        _endpoint(url=f"http://127.0.0.1:{port}/v1").encode(["water"])


def _first(**changes: Any) -> Change:
    return lambda rows: [rows[0] | changes, *rows[1:]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_first(embedding=[1.0, 2.0]), "2, 8 numbers, not all of one length"),
        (_first(embedding=[float("nan")] * 8), "not a number or zero|something else"),
        (_first(embedding=[float("inf")] * 8), "not a number or zero|something else"),
        (_first(embedding=[0.0] * 8), "not a number or zero"),
        (_first(embedding=[]), "something else than embeddings"),
        (_first(embedding="AAAA"), "something else than embeddings"),
        (_first(index=1), "other ones, or not all"),
        (lambda rows: rows[:-1], "other ones, or not all"),
        (lambda rows: {"rows": rows}, "something else than embeddings"),
    ],
)
def test_an_answer_that_is_no_use_is_refused_without_quoting_it(
    embedder: Embedder, made: Callable[..., Endpoint], change: Change, message: str
) -> None:
    embedder.change = change
    with pytest.raises(EncodingError, match=message) as caught:
        made().encode(["a secret plan", "water"])
    assert "secret plan" not in f"{caught.value} {caught.value.__cause__}"


def test_another_length_than_was_asked_for_is_refused(made: Callable[..., Endpoint]) -> None:
    with pytest.raises(EncodingError, match="vectors of 8 numbers, not all of 512: check I2PCC_EMBEDDINGS_DIMENSIONS"):
        made(dimensions=512).encode(["water"])


def test_no_endpoint_unless_an_address_is_set() -> None:
    assert Endpoint.of(Embeddings()) is None


def test_an_address_without_a_model_is_refused_at_the_start() -> None:
    with pytest.raises(ValidationError, match="I2PCC_EMBEDDINGS_MODEL must name a model"):
        Embeddings.model_validate({"url": "http://127.0.0.1:1/v1"})
