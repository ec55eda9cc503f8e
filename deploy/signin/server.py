"""How mock-oauth2-server runs. As a program: in a container of its own."""

import asyncio
import os
from pathlib import Path

from deploy.embedded import jars
from deploy.embedded.java import java

MAIN = "no.nav.security.mock.oauth2.StandaloneMockOAuth2ServerKt"


def command(classpath: str, *options: str) -> tuple[str, ...]:
    """The server's command line; `environment` tells it the rest."""
    return (*java(classpath, "-Xmx64m", *options), MAIN)


def environment(config: Path, host: str, port: int) -> dict[str, str]:
    """What it reads: the file with its configuration, and where it listens."""
    return {"JSON_CONFIG_PATH": str(config), "SERVER_HOSTNAME": host, "SERVER_PORT": str(port)}


def main() -> None:
    """Become the server, with the jars that the image holds."""
    line = command(asyncio.run(jars.classpath(jars.SIGNIN, lambda done, total: None)))
    os.execv(line[0], line)


if __name__ == "__main__":
    main()
