"""Import a service while its servers still start, and run it once told to: imports are most of its start."""

import importlib
import os
import runpy
import socket
import sys
import time
from pathlib import Path

from deploy.embedded import doors
from shared.settings import Http, port


def main(service: str, door: Path) -> None:
    """Wait for a line, then do what `python -m services.<name>.app` does. No line: whoever started this is gone."""
    app = f"services.{service}.app"
    importlib.import_module(app)
    with doors.opened(door) as opened:
        if not sys.stdin.readline():
            return
        if shift := os.environ.get("I2PCC_CLOCK_SHIFT"):
            _shift_clock(float(shift))
        http = Http()
        listening = http.fd or socket.create_server((http.host, port(service)), backlog=2_048).detach()
        os.environ["I2PCC_HTTP_FD"] = str(listening)
        doors.lend(opened, listening)
        del sys.modules[app]
        runpy.run_module(app, run_name="__main__", alter_sys=True)


def _shift_clock(seconds: float) -> None:
    """Have this process live so much later or earlier: for chaos alone."""
    import time_machine

    time_machine.travel(time.time() + seconds, tick=True).start()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
