"""Spans of the last day in files: OTLP JSON, one ExportTraceServiceRequest a line, by OpenTelemetry's file exporter.

Each process writes files of its own, one after the other; who begins one removes what is old, or too much.
"""

import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from opentelemetry.exporter.otlp.json.file import FileSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

A_DAY = 86_400.0
TURN = 900.0
"""Seconds that one file is written to."""
PARTS = 16
"""A file takes that part of what the folder may hold; then the next one begins."""


class TraceFiles(SpanExporter):
    """Writes a process's spans under a folder.

    Args:
        folder: shared with other processes; made if it is not there.
        service: a file's name begins with it.
        most: bytes of all files in the folder; the oldest are removed first.
    """

    def __init__(self, folder: Path, service: str, most: int) -> None:
        self.folder = folder
        self.service = service
        self.most = most
        self._file: Path | None = None
        self._writer: FileSpanExporter | None = None
        self._until = 0.0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write one line."""
        if self._writer is None or self._is_over():
            self.shutdown()
            self._begin()
        assert self._writer
        return self._writer.export(spans)

    def shutdown(self) -> None:
        """Close the file at hand."""
        if self._writer:
            self._writer.shutdown()
            self._writer = None

    def _is_over(self) -> bool:
        """A file that somebody has removed is over too."""
        try:
            return time.monotonic() > self._until or os.stat(self._file or "").st_size > self.most // PARTS
        except FileNotFoundError:
            return True

    def _begin(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        remove_old(self.folder, self.most - self.most // PARTS)
        self._file = self.folder / f"{self.service}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{os.getpid()}.jsonl"
        self._writer, self._until = FileSpanExporter(self._file), time.monotonic() + TURN


def remove_old(folder: Path, most: int) -> None:
    """Remove what nothing was written to for a day, and the oldest files while all take more than `most` bytes."""
    total = 0
    for written, size, file in sorted(map(_told, folder.glob("*.jsonl")), reverse=True):
        total += size
        if total > most or written < time.time() - A_DAY:
            file.unlink(missing_ok=True)


def _told(file: Path) -> tuple[float, int, Path]:
    """When it was last written to, its bytes, and the file; another process may just have removed it."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return 0.0, 0, file
    return found.st_mtime, found.st_size, file
