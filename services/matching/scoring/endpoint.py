"""Vectors from a server with OpenAI's embeddings API, if one was set up: texts leave this machine then."""

import time
from collections.abc import Iterable, Sequence
from typing import Any, Self

import httpx
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, ValidationError

from shared.settings import Embeddings

AT_ONCE = 64
"""Texts of one request."""
PATIENCE = 10.0
"""Seconds that one answer may take."""
PAUSES = (0.5, 2.0)
"""Seconds before each further try. Whoever wanted the vectors comes back later anyway."""
CHARACTERS = 8_000
"""A longer text is cut: most models read no more than 8,192 tokens, many refuse it."""


class EncodingError(Exception):
    """A text can't have its vector; says what to check."""


class _Row(BaseModel):
    index: int
    embedding: list[float] = Field(min_length=1)


class _Answer(BaseModel):
    data: list[_Row]


class Endpoint:
    """A model that runs elsewhere."""

    def __init__(self, settings: Embeddings, pauses: Sequence[float] = PAUSES) -> None:
        self._settings = settings
        self._pauses = pauses
        self._url = f"{str(settings.url).rstrip('/').removesuffix('/embeddings')}/embeddings"
        key = {"Authorization": f"Bearer {settings.key.get_secret_value()}"} if settings.key else {}
        self._http = httpx.Client(headers=key, timeout=PATIENCE)

    @classmethod
    def of(cls, settings: Embeddings) -> Self | None:
        """The endpoint of these settings; none, if they name no address."""
        return cls(settings) if settings.url else None

    @property
    def identity(self) -> str:
        """The model's name; one that was asked for another length is another model."""
        length = f"@{self._settings.dimensions}" if self._settings.dimensions else ""
        return f"endpoint/{self._settings.model}{length}"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The vector of each text, of length 1.

        Raises:
            EncodingError: the server can't be reached, refuses, or its answer is no use.
        """
        parts = [texts[start : start + AT_ONCE] for start in range(0, len(texts), AT_ONCE)]
        return _checked([row for part in parts for row in self._vectors(part)], self._settings.dimensions)

    def _vectors(self, texts: Sequence[str]) -> Iterable[list[float]]:
        body: dict[str, Any] = {"model": self._settings.model, "input": [text[:CHARACTERS] for text in texts]}
        if self._settings.dimensions:
            body["dimensions"] = self._settings.dimensions
        try:
            rows = sorted(_Answer.model_validate_json(self._post(body)).data, key=lambda row: row.index)
        except ValidationError as error:
            # Not `from error`: it quotes the answer, and an answer may quote the text.
            raise EncodingError(f"{WHERE} answered something else than embeddings ({error.error_count()}).") from None
        if [row.index for row in rows] != list(range(len(texts))):
            raise EncodingError(f"{WHERE} was sent {len(texts)} texts and answered other ones, or not all of them.")
        return [row.embedding for row in rows]

    def _post(self, body: dict[str, Any]) -> bytes:
        """Try again what may go well the next time."""
        for pause in (*self._pauses, None):
            failure = ""
            try:
                answer = self._http.post(self._url, json=body)
            except httpx.TransportError as error:
                failure = type(error).__name__
            else:
                if answer.is_success:
                    return answer.content
                failure = str(answer.status_code)
                if not (answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.is_server_error):
                    break
            if pause is not None:
                time.sleep(pause)
        raise EncodingError(f"{WHERE} did not give embeddings: {failure}. {_advice(failure)}")


WHERE = "The server at I2PCC_EMBEDDINGS_URL"


def _advice(failure: str) -> str:
    match failure:
        case "401" | "403":
            return "Check I2PCC_EMBEDDINGS_KEY."
        case "400" | "404" | "422":
            return "Check I2PCC_EMBEDDINGS_URL, I2PCC_EMBEDDINGS_MODEL and I2PCC_EMBEDDINGS_DIMENSIONS."
        case "429":
            return "It takes no more requests now: check the quota of I2PCC_EMBEDDINGS_KEY."
    return "Check that I2PCC_EMBEDDINGS_URL is right and the server is up."


def _checked(rows: Sequence[Sequence[float]], dimensions: int | None) -> NDArray[np.float32]:
    lengths = {len(row) for row in rows}
    if len(lengths) > 1 or (dimensions and lengths - {dimensions}):
        raise EncodingError(
            f"{WHERE} answered vectors of {', '.join(map(str, sorted(lengths)))} numbers, not all of "
            f"{dimensions or 'one length'}: check I2PCC_EMBEDDINGS_DIMENSIONS."
        )
    vectors = np.array(rows, np.float64)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(norms).all() and norms.all()):
        raise EncodingError(f"{WHERE} answered a vector that is not a number or zero: check I2PCC_EMBEDDINGS_MODEL.")
    vectors /= norms
    return vectors.astype(np.float32)
