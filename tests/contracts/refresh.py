"""Write the golden schemas anew: `python -m tests.contracts.refresh`, after reading what `test_contracts.py` says."""

import json
from pathlib import Path
from typing import Any

from shared.events import CATALOG, Event

GOLDEN = Path(__file__).parent / "golden"


def schema(event: type[Event]) -> dict[str, Any]:
    """What a reader of the event accepts, as JSON Schema 2020-12."""
    return event.model_json_schema(mode="validation")


def text(event: type[Event]) -> str:
    """The golden file of the event: sorted, so that a diff shows only what changed."""
    return json.dumps(schema(event), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def refresh() -> None:
    """Make the folder hold one file for each event class and nothing else."""
    GOLDEN.mkdir(exist_ok=True)
    for stale in {path.stem for path in GOLDEN.glob("*.json")} - CATALOG.keys():
        (GOLDEN / f"{stale}.json").unlink()
    for name, event in CATALOG.items():
        (GOLDEN / f"{name}.json").write_text(text(event), encoding="utf-8")


if __name__ == "__main__":
    refresh()
