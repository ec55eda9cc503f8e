"""Services share nothing but events: import-linter's contracts hold, and notice what breaks them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    """Check a tree of sources against the contracts of its pyproject.toml."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    environment = os.environ | {"PYTHONPATH": str(tree)}
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the sources, to be spoilt."""
    for package in ("services", "shared", "deploy"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_services_share_nothing_but_events() -> None:
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("services/notify/workers.py", "import services.matching.models", "Services share nothing but events"),
        ("services/intake/api.py", "from services import regions", "Services share nothing but events"),
        ("shared/contacts.py", "import services.regions.models", "shared imports no service and nothing of deploy"),
        ("shared/settings.py", "import deploy.settings", "shared imports no service and nothing of deploy"),
        ("services/regions/app.py", "import deploy.manifest", "Services do not know how they are deployed"),
        ("services/matching/rules.py", "import sqlalchemy", "Rules are pure: no database, no Kafka, no HTTP"),
        ("services/notify/rules.py", "import shared.outbox", "Rules are pure: no database, no Kafka, no HTTP"),
    ],
)
def test_a_forbidden_import_is_noticed(copy: Path, module: str, line: str, contract: str) -> None:
    with (copy / module).open("a") as source:
        source.write(f"\n{line}\n")
    result = lint(copy)
    assert result.returncode == 1
    assert re.search(rf"^{re.escape(contract)}\W+BROKEN", result.stdout, re.MULTILINE), result.stdout
