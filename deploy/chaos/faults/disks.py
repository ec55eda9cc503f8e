"""A disk that is full: under Kafka, which stops then, and under PostgreSQL, which refuses to write or stops too."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.chaos.scene import Scene, happens
from deploy.problems import Problem

ROOM = 64
"""MB that a small disk has beyond what is on it."""
FULL = "No space left on device"
"""How both servers' logs say it."""


async def full(scene: Scene, seconds: float) -> None:
    """Fill the disk of one and then of the other, each for half the time; then there is room again, and they go on."""
    data = {part: scene.platform.settings.state / part / "data" for part in ("kafka", "postgres")}
    for part, folder in data.items():
        async with _small_disk(scene, part, folder):
            await _fill(scene, part, folder, seconds / len(data))


@asynccontextmanager
async def _small_disk(scene: Scene, part: str, folder: Path) -> AsyncIterator[None]:
    """Move a part's data to a disk with little room, and back in the end; it is stopped for either."""
    if os.geteuid() != 0:
        raise Problem("Only root may mount the small disk that is to be filled.", "Run it as root, or leave out 14.")
    small = folder.with_name("small")
    await asyncio.to_thread(scene.platform.processes.stop, part)
    await asyncio.to_thread(_move_there, folder, small)
    await scene.platform.restart(part)
    try:
        yield
    finally:
        await asyncio.to_thread(scene.platform.processes.stop, part)
        await asyncio.to_thread(_move_back, folder, small)
        await scene.platform.restart(part)


def _move_there(folder: Path, small: Path) -> None:
    """Mount a disk with a copy over the folder; if it cannot be mounted, nothing has changed."""
    size = sum(file.stat().st_blocks * 512 for file in folder.rglob("*")) // 1_000_000 + ROOM
    small.mkdir()
    _do("mount", "-t", "tmpfs", "-o", f"size={size}m", "i2pcc-chaos", str(small))
    _do("cp", "-a", f"{folder}/.", str(small))
    _do("mount", "--bind", str(small), str(folder))


def _move_back(folder: Path, small: Path) -> None:
    _do("umount", str(folder))
    shutil.rmtree(folder)
    _do("cp", "-a", str(small), str(folder))
    _do("umount", str(small))
    small.rmdir()


async def _fill(scene: Scene, part: str, folder: Path, seconds: float) -> None:
    """Leave no byte free until the server has noticed and for so long; then make room and start it, if it stopped."""
    log = scene.platform.processes.logs / f"{part}.log"
    before, filler = log.stat().st_size, folder / "filler"

    async def noticed() -> bool:
        return FULL in log.read_bytes()[before:].decode(errors="replace")

    try:
        await asyncio.to_thread(_write_all, filler)
        await happens(f"{part} noticed that its disk is full", noticed)
        await asyncio.sleep(seconds)
    finally:
        filler.unlink(missing_ok=True)
    stopped = scene.dead(part)
    scene.told.append(f"{part} {'stopped' if stopped else 'went on running'} with its disk full")
    if stopped:
        await scene.platform.restart(part)


def _write_all(file: Path) -> None:
    """Write until nothing more fits."""
    with file.open("wb", buffering=0) as stream:
        for size in (1_000_000, 4_096):
            try:
                while True:
                    stream.write(bytes(size))
            except OSError:
                continue


def _do(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Problem(f"`{' '.join(command)}` failed: {done.stderr.strip()}")
