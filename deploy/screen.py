"""What the commands show: steps as they go on, addresses, tables."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from deploy.embedded import steps
from deploy.stage import Stage

WIDTH = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 120
"""Characters a line; a file or a pipe has no width of its own."""
ABOUT = {
    "portal": "the web pages",
    "mailbox": "all mail that went out",
    "zipkin": "every command as a trace, from now on",
    "intake": "companies, consortia, proposals",
    "regions": "the regions' needs",
    "matching": "matches, their reasons and answers",
    "notify": "what was sent to whom",
}
PAGES = ("portal", "mailbox", "zipkin")
"""What is made to be looked at in a browser."""
console = Console(highlight=False, width=WIDTH)


class Screen(steps.Steps):
    """Shows each step with a spinner and its seconds; a bar where it is known how much there is to do."""

    def __init__(self) -> None:
        parts = (SpinnerColumn(finished_text="✓"), TextColumn("{task.description}"), TimeElapsedColumn(), _Bar())
        self._progress = Progress(*parts, console=console, disable=not console.is_terminal)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._progress.stop()

    @contextmanager
    def step(self, title: str) -> Iterator[steps.Progress]:
        """Enclose one step; steps overlap."""
        task, began = self._progress.add_task(title, total=None, files=""), time.monotonic()

        def progress(done: int, total: int) -> None:
            self._progress.update(task, completed=done, total=total + 1, files=f"{done} of {total} files")
            if done in (0, total) and not console.is_terminal:
                console.print(f"{title}: {done} of {total} files fetched")

        yield progress
        self._progress.update(task, completed=1, total=1, files="")
        if not console.is_terminal:
            console.print(f"✓ {title} ({time.monotonic() - began:.0f} s)")


class _Bar(ProgressColumn):
    """A bar, for steps that count files."""

    def __init__(self) -> None:
        super().__init__()
        self._bar = BarColumn(bar_width=30)

    def render(self, task: Task) -> Table | Text:
        """One step's bar."""
        if not task.fields["files"]:
            return Text("")
        row = Table.grid(padding=(0, 1))
        row.add_row(self._bar.render(task), task.fields["files"])
        return row


def heading(title: str) -> None:
    """Begin a part of what is told."""
    console.print(f"\n[bold]{title}[/]")


def show_moment(moment: datetime, sentence: str, style: str = "") -> None:
    """What happened, and when, in local time."""
    row = Table.grid(padding=(0, 2))
    row.add_row(Text(f"{moment.astimezone():%H:%M:%S}", "dim"), Text(sentence, style))
    console.print(row)


def show_addresses(platform: Stage, title: str, ending: str) -> None:
    """Where to go now, and how it ends."""
    heading(title)
    rows, urls = columns(), platform.settings.urls
    for name in PAGES:
        if name in urls:
            rows.add_row(urls[name], ABOUT[name])
    services = [name for name in urls if name not in PAGES]
    rows.add_row(f"{urls[services[0]]}/events", "the events, explained")
    for name in services:
        rows.add_row(f"{urls[name]}/docs", f"API of {name}: {ABOUT.get(name, '')}")
    rows.add_row(platform.settings.kafka_servers, "Kafka")
    rows.add_row(f"127.0.0.1:{platform.settings.postgres_port}", "PostgreSQL")
    console.print(rows)
    console.print("To try an API, press Authorize on its page and click on who you want to be.", soft_wrap=True)
    console.print(ending, soft_wrap=True)


def columns() -> Table:
    """Two columns without lines; the first one never wraps."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    return table


def headed(*names: str) -> Table:
    """Columns with their names above them, without lines."""
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="bold")
    for name in names:
        table.add_column(name, overflow="fold")
    return table
