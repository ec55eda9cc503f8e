"""The bill of materials names everything that the platform runs on."""

import json
from importlib.metadata import distributions
from pathlib import Path

from deploy import sbom
from deploy.embedded.jars import LOCKS, locked


def test_every_package_and_every_jar_is_in_the_bill(tmp_path: Path) -> None:
    sbom.write(tmp_path / "build" / "sbom.json")
    bill = json.loads((tmp_path / "build" / "sbom.json").read_text())
    named = {(part["name"].lower(), part["version"]) for part in bill["components"]}
    packages = {(each.name.lower(), each.version) for each in distributions() if each.name != "i2pcc"}
    assert packages <= named
    hashes = {part["purl"]: part["hashes"][0]["content"] for part in bill["components"] if "pkg:maven" in part["purl"]}
    jars = [jar for lock in LOCKS for jar in locked(lock)]
    of = {jar: f"?classifier={jar.classifier}" if jar.classifier else "" for jar in jars}
    assert hashes == {f"pkg:maven/{jar.group}/{jar.artifact}@{jar.version}{of[jar]}": jar.sha256 for jar in jars}
    assert bill["metadata"]["component"]["name"] == "i2pcc"
