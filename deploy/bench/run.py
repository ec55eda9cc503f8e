"""Runs benches on servers of their own, shows what they found, and writes it down."""

import asyncio
import importlib
import logging
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import orjson
import uvloop
from rich.table import Table

from deploy import interrupts
from deploy.bench.ground import Figures, Ground
from deploy.embedded.platform import Platform
from deploy.problems import Problem
from deploy.screen import Screen, console
from deploy.settings import Settings, read

BENCHES = ("relay", "consume", "intake", "e2e", "start", "match")


def bench(names: Sequence[str], file: Path | None, needs: str = "") -> None:
    """Run these benches, or all, and show their figures."""
    for name in names:
        if name not in BENCHES:
            raise Problem(f"There is no bench {name}.", f"There are: {', '.join(BENCHES)}.", code=2)
    logging.getLogger("aiokafka.conn").setLevel(logging.ERROR)  # it warns that the admin's password goes in the clear
    interrupts.run(_run(names or BENCHES, file, _sizes(needs)), uvloop.new_event_loop)


def _sizes(needs: str) -> list[int]:
    """What `1k,100k` means."""
    if not re.fullmatch(r"([1-9][0-9]*[kM]?(,|$))*", needs):
        raise Problem(f"--needs cannot be {needs}.", "Say, for example: --needs 1k,10k,100k,1M", code=2)
    return [int(size.replace("k", "000").replace("M", "000000")) for size in needs.split(",") if size]


async def _run(names: Sequence[str], file: Path | None, sizes: Sequence[int]) -> None:
    found: dict[str, Figures] = {}
    kept = read(Settings).state / "bench"
    for name in names:
        module = importlib.import_module(f"deploy.bench.{name}")
        with tempfile.TemporaryDirectory(prefix="i2pcc-bench-") as folder, Screen() as screen:
            settings = Settings.for_tests(Path(folder) / "state").model_copy(update=getattr(module, "SETTINGS", {}))
            platform = Platform(settings, screen)
            try:
                await platform.start(services=False)
                found[name] = await module.run(Ground(platform, kept, sizes))
            finally:
                await platform.stop()
        _show(name, found[name])
        if file:
            await asyncio.to_thread(file.write_bytes, orjson.dumps(found, option=orjson.OPT_INDENT_2))


def _show(name: str, figures: Figures) -> None:
    table = Table(box=None, padding=(0, 3, 0, 0), show_header=False, title=name, title_justify="left")
    for peer, ratio in figures.get("ratio", {}).items():
        table.add_row(f"times as fast as {peer}", f"[bold]{ratio}[/bold]")
    for figure, value in figures.items():
        if figure != "ratio":
            rows = value if isinstance(value, dict) else {"": value}
            for part, number in rows.items():
                table.add_row(f"{figure} {part}".replace("_", " ").strip(), str(number))
    console.print(table)
