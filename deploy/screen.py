"""What the commands show: steps as they go on, addresses, what runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from deploy.embedded import steps
from deploy.embedded.platform import PARTS, Platform
from deploy.stage import Stage

console = Console(highlight=False)


class Screen(steps.Steps):
    """Shows each step with a spinner and its seconds; a bar where it is known how much there is to do."""

    def __init__(self) -> None:
        columns = (SpinnerColumn(finished_text="✓"), TextColumn("{task.description}"), TimeElapsedColumn(), _Bar())
        self._progress = Progress(*columns, console=console)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._progress.stop()

    @contextmanager
    def step(self, title: str) -> Iterator[steps.Progress]:
        """Enclose one step; steps overlap."""
        task = self._progress.add_task(title, total=None, files="")

        def progress(done: int, total: int) -> None:
            self._progress.update(task, completed=done, total=total + 1, files=f"{done} of {total} files")

        yield progress
        self._progress.update(task, completed=1, total=1, files="")


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


def show_addresses(platform: Stage, title: str, ending: str) -> None:
    """Where to go now, and how it ends."""
    table = _table("", "address")
    for name, url in platform.urls.items():
        table.add_row(name, url if name == "mailbox" else f"{url}/docs")
    table.add_row("kafka", platform.kafka_servers)
    table.add_row("postgres", f"127.0.0.1:{platform.settings.postgres_port}")
    console.print(f"\n{title}")
    console.print(table)
    console.print(ending)


async def show_status(platform: Platform) -> bool:
    """Show what runs, and return whether all of it is ready."""
    table = _table("name", "pid", "port", "memory", "ready")
    ready = {name: await _is_ready(platform, name) for name in PARTS}
    for name in PARTS:
        process = platform.process(name)
        port = str(platform.settings.port(name))
        if process is None:
            table.add_row(name, "-", port, "-", "not running")
        else:
            table.add_row(name, str(process.pid), port, f"{platform.memory(name)} MB", "yes" if ready[name] else "no")
    console.print(table)
    return all(ready.values())


async def _is_ready(platform: Platform, name: str) -> bool:
    return platform.process(name) is not None and await platform.is_ready(name)


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column)
    return table
