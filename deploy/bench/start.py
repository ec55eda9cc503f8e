"""start: a warm `i2pcc up` until everything is ready, and the memory that it holds then."""

import asyncio
import os
import statistics
import sys
import time
from pathlib import Path

from deploy.bench.ground import Figures, Ground
from deploy.problems import Problem

TIMES = 3
I2PCC = Path(sys.executable).with_name("i2pcc")


async def run(ground: Ground) -> Figures:
    """Start it as people do, several times; the first makes the schemas and does not count."""
    await ground.platform.stop()
    seconds = []
    for number in range(1 + TIMES):
        with ground.step(f"start: {number or 'first'}"):
            start = time.perf_counter()
            await _i2pcc(ground, "up")
            seconds.append(time.perf_counter() - start)
        memory = {name: ground.platform.memory(name) for name in ground.platform.parts}
        await _i2pcc(ground, "down")
    warm = seconds[1:]
    return {
        "first_seconds": round(seconds[0], 1),
        "warm_seconds": round(statistics.median(warm), 1),
        "slowest_warm_seconds": round(max(warm), 1),
        "resident_mb": memory | {"together": sum(memory.values())},
    }


async def _i2pcc(ground: Ground, command: str) -> None:
    settings = ground.platform.settings.model_dump()
    environment = {f"I2PCC_{name}".upper(): str(value) for name, value in settings.items()}
    process = await asyncio.create_subprocess_exec(
        I2PCC, command, env=os.environ | environment, stdout=asyncio.subprocess.DEVNULL
    )
    if await process.wait():
        raise Problem(f"i2pcc {command} ended with {process.returncode}.")
