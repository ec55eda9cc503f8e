"""Java programs' jars are the pinned ones or none."""

from pathlib import Path

import pytest

from deploy.embedded import jars
from deploy.problems import Problem
from services.matching.scoring import encoders


def test_a_damaged_jar_is_not_used(tmp_path: Path) -> None:
    jar = jars.locked(jars.KAFKA)[0]
    file = jar.path(tmp_path)
    file.parent.mkdir(parents=True)
    file.write_bytes(b"half a jar")
    assert not jar.is_good(file)


@pytest.mark.parametrize("lock", jars.LOCKS, ids=lambda lock: lock.stem)
def test_every_jar_is_pinned_once(lock: Path) -> None:
    names = [(jar.group, jar.artifact) for jar in jars.locked(lock)]
    assert len(set(names)) == len(names) > (0 if lock in (jars.MODELS, jars.ZIPKIN) else 40)


def test_the_models_that_are_fetched_are_those_that_matching_reads() -> None:
    assert [jar.path(Path()) for jar in jars.locked(jars.MODELS)] == [encoders.jar("en"), encoders.jar("zh")]


async def test_without_network_and_cache_one_sentence_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("M2_REPO", str(tmp_path))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with pytest.raises(Problem, match="could not be fetched") as caught:
        await jars.classpath(jars.SIGNIN, lambda done, total: None)
    assert "network" in caught.value.hint


async def test_a_cache_that_cannot_be_written_to_is_told_with_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("M2_REPO", str(tmp_path / "file" / "repository"))
    with pytest.raises(Problem, match="file/repository: a file is in its way") as caught:
        await jars.classpath(jars.SIGNIN, lambda done, total: None)
    assert "M2_REPO=" in caught.value.hint
