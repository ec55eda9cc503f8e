"""Run before everything else on Docker: make what is secret, and let each container read its own part and no more."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy import manifest as manifests
from deploy.embedded.secrets import SUPERUSER, keep, write
from shared.settings import PORTS

POSTGRES = 999
"""The user of the official image."""
PROVISION = 10_000
"""The user of our images."""


def share(folder: Path, users: Mapping[str, int] = PORTS) -> None:
    """Write a file per container, for its user alone. What is there already stays as it is.

    Args:
        folder: a volume that all containers mount; its subfolder `made` is for the caller alone.
        users: the number of the user that each service runs as; by default that of its port.
    """
    manifest = manifests.load()
    made = keep(folder / "made", manifest.roles())
    passwords = made.passwords
    write(folder / "jwks.json", made.jwks_file.read_text(), mode=0o644)
    write(folder / "postgres", passwords[SUPERUSER], POSTGRES)
    write(folder / "provision.json", json.dumps(passwords), PROVISION)
    write(folder / "provision.pgpass", _pgpass(SUPERUSER, passwords), PROVISION)
    for service, user in users.items():
        write(folder / f"{service}.pgpass", _pgpass(manifest.services[service].role, passwords), user)


def _pgpass(role: str, passwords: Mapping[str, str]) -> str:
    """A PGPASSFILE, which keeps the password out of the environment, where `docker inspect` shows it."""
    return f"*:*:*:{role}:{passwords[role]}\n"


if __name__ == "__main__":
    share(Path(sys.argv[1]))
