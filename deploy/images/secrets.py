"""Run before everything else on Docker: make what is secret, and let each container read its own part and no more."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy import manifest as manifests
from deploy import people
from deploy.embedded.secrets import SUPERUSER, forget, keep
from deploy.files import write
from deploy.manifest import ADMIN
from deploy.signin import config
from shared.settings import PORTS

KEYCLOAK = "keycloak"
"""Under this name the password of its first admin is kept."""
USERS = {"postgres": 999, "kafka": 1_000, "keycloak": 1_001, "provision": 10_000, "signin": 8_005, **PORTS}
"""The number of each container's user: the official images', our images' own, or that of its port."""


def share(folder: Path, users: Mapping[str, int] = USERS) -> None:
    """Write each container's files, for its user alone. Passwords and the key, once made, stay as they are.

    Args:
        folder: a volume that all containers mount; its subfolder `made` is for the caller alone.
        users: as in USERS.
    """
    manifest = manifests.load()
    made = keep(folder / "made", [*manifest.roles(), KEYCLOAK], manifest.users())
    databases = {role: password for role, password in made.passwords.items() if role != KEYCLOAK}
    write(folder / "postgres", made.passwords[SUPERUSER], users["postgres"])
    write(folder / "provision.json", json.dumps(databases), users["provision"])
    write(folder / "kafka", made.kafka_passwords[ADMIN], users["kafka"])
    write(folder / "provision-kafka.json", json.dumps(made.kafka_passwords), users["provision"])
    for reader, user in ({"provision": ADMIN} | {service: service for service in PORTS}).items():
        write(folder / f"{reader}.kafka", made.kafka_passwords[user], users[reader])
    page = folder / "signin.html"
    write(page, config.page(people.load()), mode=0o644)
    write(folder / "signin.json", config.config(made.signing_key, page), users["signin"])
    admin = f"bootstrap-admin-username=admin\nbootstrap-admin-password={made.passwords[KEYCLOAK]}\n"
    write(folder / "keycloak.conf", admin, users["keycloak"])
    roles = {"provision": SUPERUSER} | {service: manifest.services[service].role for service in PORTS}
    for reader, role in roles.items():
        write(folder / f"{reader}.pgpass", f"*:*:*:{role}:{made.passwords[role]}\n", users[reader])


if __name__ == "__main__":
    volume, *asked = sys.argv[1:]
    if asked == ["renew"]:
        # These two are in servers that keep them, and that nobody here can tell of others.
        forget(Path(volume, "made"), but=(SUPERUSER, KEYCLOAK))
    share(Path(volume))
