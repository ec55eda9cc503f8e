"""Whatever the demo shows, logs, sends or starts: nothing secret is in it."""

import asyncio
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from deploy.settings import Settings
from tests.collector import Collector
from tests.deploy.test_cli import run

PUBLIC = {"kid", "kty", "crv", "alg", "use", "x", "y"}
"""What a key's public half shows too."""
TOKEN = re.compile(r"eyJ[\w-]{20,}\.[\w-]{20,}")
"""The beginning of an access token."""


def values(found: Any) -> Iterator[str]:
    """Every text in a JSON document that is not public."""
    if isinstance(found, dict):
        for name, value in found.items():
            if name not in PUBLIC:
                yield from values(value)
    elif isinstance(found, list):
        for value in found:
            yield from values(value)
    elif isinstance(found, str) and len(found) >= 16:
        yield found


def secrets_of(state: Path) -> set[str]:
    """Everything in the folder of secrets."""
    files = [file for file in state.rglob("secrets/*") if file.is_file()]
    assert files
    return {value for file in files for value in values(json.loads(file.read_text()))}


def logs_of(state: Path) -> dict[str, str]:
    """What each process has written, traces too."""
    found = [*state.rglob("logs/*.log"), *state.rglob("traces/*.jsonl")]
    return {file.name: file.read_text() for file in found}


def command_lines() -> set[str]:
    """Of every process of this machine, as anyone here can read them."""
    found = (process.info["cmdline"] or () for process in psutil.process_iter(["cmdline"]))
    return {" ".join(line) for line in found}


async def test_a_demo_tells_no_secret(tmp_path: Path) -> None:
    collector, started = Collector(), set[str]()
    with collector.listen() as endpoint:
        settings = Settings.for_tests(tmp_path / "state").model_dump(mode="json")
        demo = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "deploy.cli", "demo", "--once"),
            env=os.environ
            | {f"I2PCC_{name}".upper(): str(value) for name, value in settings.items()}
            | {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        reading = asyncio.create_task(demo.communicate())
        while not reading.done():
            started |= command_lines()
            await asyncio.wait({reading}, timeout=0.2)
    shown, _ = reading.result()
    assert demo.returncode == 0, shown.decode()[-2_000:]
    logs = logs_of(tmp_path)
    assert {"kafka.log", "postgres.log", "intake.log", "notify.log"} <= logs.keys()
    assert {"intake", "notify"} <= {name.split("-")[0] for name in logs if name.endswith(".jsonl")}
    assert {span.service for span in collector.spans} == {"intake", "regions", "matching", "notify"}
    told = {
        "the screen": shown.decode(),
        "spans": "\n".join(collector.texts),
        "command lines": "\n".join(started),
    } | logs
    secrets = secrets_of(tmp_path)
    assert len(secrets) > 10
    assert [place for place, text in told.items() if any(secret in text for secret in secrets)] == []
    assert [place for place, text in told.items() if TOKEN.search(text)] == []
    _check_trace(shown.decode(), tmp_path / "state")


def _check_trace(shown: str, state: Path) -> None:
    """The command that the demo shows in the end tells how its introduction came about."""
    (command,) = re.findall(r"^i2pcc (trace \S+)$", shown, re.MULTILINE)
    result = run(*command.split(), I2PCC_STATE=str(state))
    assert {"POST /v1/matches/{match_id}/accept", "mail introduction"} <= set(
        re.findall(r"POST \S+|mail \w+", result.stdout)
    )
