"""However a command is told to stop, it tidies up and says so in its exit code."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = """
import asyncio, sys
from deploy import interrupts
from deploy.waiting import abandonable, whole

async def tidy():
    print("tidying", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    open(sys.argv[1], "w").write("tidy")

async def work():
    try:
        print("working", flush=True)
        await abandonable(__import__("time").sleep, 600)
    finally:
        await whole(tidy())

try:
    interrupts.run(work())
except interrupts.Interrupted as interrupted:
    sys.exit(interrupted.code)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_a_command_tidy_up_and_a_second_one_does_not_cut_it_short(tmp_path: Path, number: int) -> None:
    command = (sys.executable, "-c", COMMAND, str(tmp_path / "tidied"))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin
        assert child.stdout
        assert child.stdout.readline() == "working\n"
        began = time.monotonic()
        child.send_signal(number)
        if number != signal.SIGHUP:
            assert child.stdout.readline() == "tidying\n"
        child.send_signal(number)
        child.stdin.write("go\n")
        child.stdin.close()
        assert child.wait(20) == 128 + number
    assert (tmp_path / "tidied").read_text() == "tidy"
    assert time.monotonic() - began < 20
