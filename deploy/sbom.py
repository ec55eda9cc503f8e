"""The bill of materials in CycloneDX: every Python package that is installed here, and every jar that is pinned.

Run as `make sbom`.
"""

import json
import subprocess
import sys
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from deploy.embedded.jars import LOCKS, Jar, locked

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def write(file: Path) -> None:
    """Write it as JSON, schema version 1.6."""
    # Validating takes 11 s: of what the library writes itself, as the JSON below.
    command = (sys.executable, "-m", "cyclonedx_py", "environment", "--no-validate", "--pyproject", str(PROJECT))
    packages = json.loads(subprocess.run((*command, sys.prefix), check=True, capture_output=True).stdout)
    bom: Bom = Bom.from_json(packages)  # type: ignore[attr-defined]
    archives = [_component(jar) for jar in dict.fromkeys(jar for lock in LOCKS for jar in locked(lock))]
    bom.components.update(archives)
    if bom.metadata.component:
        bom.register_dependency(bom.metadata.component, archives)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(JsonV1Dot6(bom).output_as_string(indent=2))


def _component(jar: Jar) -> Component:
    qualifiers = {"classifier": jar.classifier} if jar.classifier else None
    purl = PackageURL("maven", jar.group, jar.artifact, jar.version, qualifiers)
    return Component(
        name=jar.artifact,
        group=jar.group,
        version=jar.version,
        type=ComponentType.LIBRARY,
        bom_ref=str(purl),
        purl=purl,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=jar.sha256)],
    )


if __name__ == "__main__":
    write(Path(sys.argv[1]))
