"""The files that a process keeps its spans in: bounded in time and size, whatever happens to them."""

import os
import time
from pathlib import Path

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from deploy.traces.spans import Span, read
from shared import tracefiles
from shared.tracefiles import TraceFiles, remove_old


def made(folder: Path, name: str, size: int, age: float) -> Path:
    """A file of others."""
    file = folder / f"{name}.jsonl"
    file.write_bytes(b" " * size)
    os.utime(file, (time.time() - age,) * 2)
    return file


def names(folder: Path) -> set[str]:
    return {file.stem for file in folder.iterdir()}


def test_what_is_older_than_a_day_goes_and_then_the_oldest_of_what_is_too_much(tmp_path: Path) -> None:
    for number, age in enumerate((10, 20, 30, 90_000)):
        made(tmp_path, f"intake-{number}", 100, age)
    (tmp_path / "mine.txt").touch()
    remove_old(tmp_path, 1_000)
    assert names(tmp_path) == {"intake-0", "intake-1", "intake-2", "mine"}
    remove_old(tmp_path, 250)
    assert names(tmp_path) == {"intake-0", "intake-1", "mine"}


def test_a_full_file_is_followed_by_the_next_and_the_folder_stays_within_its_bounds(tmp_path: Path) -> None:
    folder, most = tmp_path / "traces", 40_000
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(TraceFiles(folder, "intake", most)))
    tracer = provider.get_tracer("tests")
    for number in range(200):
        tracer.start_span(f"step {number}").end()
    provider.shutdown()
    assert most / 2 < sum(file.stat().st_size for file in folder.iterdir()) <= most
    assert folder.stat().st_mode & 0o777 == 0o700
    spans = spans_in(folder)
    assert "step 199" in {span.name for span in spans}
    assert "step 0" not in {span.name for span in spans}


def test_a_folder_that_is_removed_meanwhile_is_made_again(tmp_path: Path) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(TraceFiles(tmp_path / "traces", "intake", 1_000_000)))
    tracer = provider.get_tracer("tests")
    tracer.start_span("before").end()
    for file in (tmp_path / "traces").iterdir():
        file.unlink()
    (tmp_path / "traces").rmdir()
    tracer.start_span("after").end()
    provider.shutdown()
    assert [span.name for span in spans_in(tmp_path / "traces")] == ["after"]


def test_a_file_is_written_to_for_so_long_and_no_longer(tmp_path: Path) -> None:
    files = TraceFiles(tmp_path, "intake", 1_000_000)
    span = TracerProvider(shutdown_on_exit=False).get_tracer("tests").start_span("step")
    span.end()
    files.export([span])  # type: ignore[list-item]
    files.export([span])  # type: ignore[list-item]
    assert len(names(tmp_path)) == 1
    files._until -= tracefiles.TURN
    files.export([span])  # type: ignore[list-item]
    files.shutdown()
    assert len(names(tmp_path)) == 2


def spans_in(folder: Path) -> list[Span]:
    """All spans of a folder."""
    return [span for file in sorted(folder.iterdir()) for line in file.read_bytes().splitlines() for span in read(line)]
