"""Apache Kafka, one KRaft node on the loopback address."""

import os
import shutil
import subprocess
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from deploy.embedded.java import Classes, java
from deploy.embedded.processes import Program
from deploy.files import write
from deploy.problems import Problem
from deploy.settings import Settings

HERE = Path(__file__).parent
OPTIONS = ("-Xmx512m", f"-Dlog4j2.configurationFile={HERE / 'log4j2.yaml'}")


class Kafka:
    """The broker of one state folder."""

    name = "kafka"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = settings.state / "kafka"
        self.data = self.folder / "data"
        self.classes = Classes(self.folder)
        self.behind: int | None = None
        """The port that it listens on, if somebody else does on the one it is known by, and passes on."""

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
        has_run = (self.data / "cleaner-offset-checkpoint").exists()
        classes = self.classes.option(self._java(classpath), has_run)
        properties = self._properties(self.data, password)
        command = (*self._java(classpath), *classes, "kafka.Kafka", properties)
        return Program(self.name, command, self.settings.kafka_port, patience=30)

    def _java(self, classpath: str) -> tuple[str, ...]:
        return java(classpath, *OPTIONS)

    def _properties(self, data: Path, password: str) -> str:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self.folder / "server.properties"
        ports = {"port": self.settings.kafka_port, "controller_port": self.settings.kafka_controller_port}
        ports["behind"] = self.behind or self.settings.kafka_port
        write(file, (HERE / "server.properties").read_text().format(**ports, data=data, password=password))
        return os.fspath(file)


def _random_id() -> str:
    """A UUID as Kafka writes it; one that starts with a dash would be taken for an option."""
    text = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return _random_id() if text.startswith("-") else text
