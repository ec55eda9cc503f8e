"""The benches measure what they say, on both sides; with few rows, so that figures mean nothing here."""

import importlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from deploy.bench import ground as grounds
from deploy.bench import match
from deploy.bench.ground import Ground
from deploy.bench.run import BENCHES
from deploy.embedded.platform import Platform
from deploy.settings import Settings

SMALL: dict[str, dict[str, Any]] = {
    "relay": {"ROWS": 500, "WORKERS": (2,), "RATE": 20, "SECONDS": 2},
    "consume": {"OURS": 600, "PEERS": 200},
    "intake": {"WARM_UP": 0.5, "SECONDS": 1.0},
    "e2e": {"NEEDS": 22, "RATES": (2,), "HIGHER": (), "SECONDS": 2},
    "start": {"TIMES": 1},
    "match": {"SIZES": (50, 300), "TEXTS": 60, "FRESH": 5, "QUESTIONS": 10, "ANEW": 40, "PROPOSALS": 20},
}


@pytest_asyncio.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Ground]:
    """Servers that no other test uses."""
    platform = Platform(Settings.for_tests(tmp_path / "state"))
    await platform.start(services=False)
    yield Ground(platform, tmp_path / "kept")
    await platform.stop()


@pytest.mark.parametrize("name", BENCHES)
async def test_a_bench_measures_everything_it_names(ground: Ground, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(grounds, "PATIENCE", 60.0)
    bench = importlib.import_module(f"deploy.bench.{name}")
    for setting, value in SMALL[name].items():
        monkeypatch.setattr(bench, setting, value)
    figures = await bench.run(ground)
    numbers = [
        number for value in figures.values() for number in (value.values() if isinstance(value, dict) else [value])
    ]
    assert all(number > 0 for number in numbers), figures
    assert ("ratio" in figures) is (name in ("relay", "consume", "intake", "match"))


def test_a_peer_that_was_not_asked_has_no_ratio() -> None:
    """Among a million needs bm25s takes too long."""
    assert match.ratio_of({1_000_000: {"search_p50_ms": 2.0, "numpy_exact_p50_ms": 8.0}}) == {
        "numpy, exact, 1000000 needs": 4.0
    }
