"""Import a service while its servers still start, and run it once told to: imports are most of its start."""

import importlib
import runpy
import sys


def main(service: str) -> None:
    """Wait for a line, then do what `python -m services.<name>.app` does. No line: whoever started this is gone."""
    app = f"services.{service}.app"
    importlib.import_module(app)
    if sys.stdin.readline():
        del sys.modules[app]
        runpy.run_module(app, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1])
