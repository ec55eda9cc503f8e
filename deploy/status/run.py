"""Show a status once, or again and again until told to stop."""

import asyncio
from dataclasses import asdict
from pathlib import Path

import httpx
import orjson
from rich.live import Live

from deploy import interrupts
from deploy.embedded.platform import Platform
from deploy.screen import console
from deploy.status.look import Lookout, Status
from deploy.status.screen import shown

PACE = 1.0
"""Seconds from one look to the next."""


def status(platform: Platform, file: Path | None, watch: bool) -> bool:
    """Show how the platform is, and return whether all of it is ready.

    Args:
        platform: as it runs.
        file: where the figures go as JSON, anew at each look.
        watch: whether to look again and again, until Ctrl-C.
    """
    if not watch:
        return interrupts.run(_once(platform, file))
    seen: list[Status] = []
    try:
        interrupts.run(_watch(platform, file, seen))
    except interrupts.Interrupted:
        return bool(seen) and seen[-1].ready
    raise AssertionError("it watches for ever")


async def _once(platform: Platform, file: Path | None) -> bool:
    async with httpx.AsyncClient(trust_env=False) as http:
        lookout = Lookout(platform, http)
        if await lookout.begin():
            await asyncio.sleep(PACE)
        found = await lookout.look()
    _write(file, found)
    console.print(shown(found, _hint(platform, found)))
    return found.ready


async def _watch(platform: Platform, file: Path | None, seen: list[Status]) -> None:
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        async with httpx.AsyncClient(trust_env=False) as http:
            lookout = Lookout(platform, http)
            while True:
                found = await lookout.look()
                seen[:] = [found]
                _write(file, found)
                live.update(shown(found, "Ctrl-C ends it."), refresh=True)
                await asyncio.sleep(PACE)


def _hint(platform: Platform, found: Status) -> str:
    if found.ready:
        return ""
    what = "Start what is missing" if any(part.ready for part in found.parts) else "Start it"
    return f"{what} with: i2pcc up. The logs: {platform.processes.logs}"


def _write(file: Path | None, found: Status) -> None:
    if file:
        file.write_bytes(orjson.dumps({**asdict(found), "ready": found.ready}, option=orjson.OPT_INDENT_2))
