"""The small models give every text its vector, in all three languages."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from services.matching.scoring import encoders
from services.matching.scoring.encoders import HERE, encoder, identity, models, second
from services.matching.scoring.endpoint import EncodingError, Endpoint
from shared.settings import Embeddings
from shared.vocabulary import Language

SAME = {
    "membranes": ("Membrane treatment of landfill leachate", "Membraanbehandeling van percolaat", "渗滤液的膜处理"),
    "heat": ("Waste heat from a steel plant", "Restwarmte van een staalfabriek", "钢铁厂余热利用"),
    "soil": ("Cleaning soil polluted with heavy metals", "Bodem met zware metalen saneren", "重金属污染土壤修复"),
}
LANGUAGES = (Language.ENGLISH, Language.DUTCH, Language.CHINESE)
ALL = [text for texts in SAME.values() for text in texts]
MODELS = sorted(HERE)


@pytest.mark.parametrize("model", MODELS)
def test_vectors_have_length_one_and_are_the_same_alone_and_among_others(model: str, have_models: None) -> None:
    together = encoder(model).encode([*ALL, "水" * 20_000, "water " * 4_000])
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    alone = np.concatenate([encoder(model).encode([text]) for text in ALL])
    assert np.abs(alone - together[: len(ALL)]).max() < 1e-4


@pytest.mark.parametrize("model", ["e5", "use"])
@pytest.mark.parametrize(("one", "other"), [(0, 1), (0, 2), (1, 2)])
def test_a_text_is_nearest_to_its_translation(model: str, one: int, other: int) -> None:
    left, right = (encoder(model).encode([texts[place] for texts in SAME.values()]) for place in (one, other))
    assert (left @ right.T).argmax(axis=1).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("model", "texts"),
    [
        ("bge-zh", ("渗滤液的膜处理", "垃圾填埋场渗滤液膜法处理", "钢铁厂余热利用")),
        ("bge-en", ("Membrane treatment of leachate", "Leachate filtered by membranes", "Waste heat of a steel plant")),
    ],
)
def test_a_model_of_one_language_knows_what_means_the_same(
    model: str, texts: tuple[str, str, str], have_models: None
) -> None:
    one, same, another = encoder(model).encode(texts)
    assert one @ same > one @ another + 0.1


def test_threads_that_need_a_model_at_once_load_it_once() -> None:
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: encoder("e5").encode(ALL), range(4)))
    assert all(np.array_equal(each, found[0]) for each in found)


@pytest.mark.parametrize("one", LANGUAGES)
@pytest.mark.parametrize("other", LANGUAGES)
def test_the_second_model_of_two_texts_reads_both(one: Language, other: Language) -> None:
    model = second(one, other)
    assert model in models(one)
    assert model in models(other)
    assert model != models(one)[0] == models(other)[0]


def test_an_endpoint_stands_in_place_of_all_models(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Endpoint(Embeddings.model_validate({"url": "http://127.0.0.1:1/v1", "model": "large", "dimensions": 256}))
    monkeypatch.setattr(encoders, "ENDPOINT", made)
    assert {models(language) for language in LANGUAGES} == {("endpoint",)}
    assert second(Language.CHINESE, Language.CHINESE) == "endpoint"
    assert encoder("endpoint") is made
    assert identity("endpoint") == "endpoint/large@256"


def test_a_jar_that_is_not_there_is_told_with_its_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("I2PCC_MODELS", str(tmp_path))
    fresh = encoders._Once(lambda: encoders._bge("zh"))
    with pytest.raises(EncodingError, match=r"bge-small-zh.*I2PCC_MODELS .*models\.lock"):
        fresh.encode(["水"])
    file = tmp_path / encoders.jar("zh")
    file.parent.mkdir(parents=True)
    file.write_bytes(b"half a jar")
    with pytest.raises(EncodingError, match="missing or damaged"):
        fresh.encode(["水"])
