"""The whole provisioning: roles and each service's migrations, then Kafka's users, topics and rights."""

import asyncio
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from deploy import manifest as manifests
from deploy.manifest import Manifest
from deploy.problems import Problem
from deploy.provision import database, kafka
from deploy.settings import Provision
from deploy.waiting import abandonable, listens, until
from shared.settings import Kafka

SERVICES = Path(__file__).parents[2] / "services"
PATIENCE = 60.0
"""Seconds that servers which start at the same time get."""


async def provision_database(superuser: str, passwords: Mapping[str, str], manifest: Manifest) -> None:
    """Make roles and schemas, and run the migrations that are missing."""
    await database.provision(superuser, manifest, passwords)
    versions = await database.versions(superuser, manifest)
    behind = [name for name in manifest.services if newest(name) not in (None, versions.get(name))]
    if behind:
        await asyncio.to_thread(_migrate, behind, superuser, manifest, passwords)


def newest(service: str) -> str | None:
    """A service's last migration, by the numbers in the names of its files: Alembic's import alone takes a second."""
    folder = SERVICES / service / "migrations"
    return max((file.stem.partition("_")[0] for file in folder.glob("[a-z]*_*.py")), default=None)


def _migrate(services: Iterable[str], superuser: str, manifest: Manifest, passwords: Mapping[str, str]) -> None:
    """One service after the other: Alembic keeps its context in globals."""
    from alembic.util import CommandError

    from shared.migrate import upgrade

    for name in services:
        try:
            upgrade(name, role_url(superuser, manifest.database, manifest.services[name].migrator, passwords))
        except CommandError as error:
            raise Problem(
                f"The schema of {name} cannot be brought to this version: {error}.",
                "Was it made by a newer version of the platform? Then use that one.",
            ) from error


def role_url(server: str, database: str, role: str, passwords: Mapping[str, str]) -> str:
    """The postgresql:// URL of a role on the server of another URL."""
    parts = urlsplit(server)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{quote(passwords[role], safe='')}@{host}", path=f"/{database}"))


async def from_environment(settings: Provision, admin: Kafka) -> None:
    """Provision servers that someone else starts, as soon as they answer."""
    manifest = manifests.load()
    roles = _passwords(manifest.roles(), "", settings.passwords_file, settings)
    users = _passwords(manifest.users(), "KAFKA_", settings.kafka_passwords_file, settings)
    parts = urlsplit(settings.postgres_url)
    await _answers("PostgreSQL", parts.hostname or "", parts.port or 5432)
    for server in admin.servers.split(","):
        host, _, port = server.strip().rpartition(":")
        await _answers("Kafka", host, int(port))
    # Not beside each other: a failure of one would leave it unsaid how far the other came.
    await provision_database(settings.postgres_url, roles, manifest)
    await abandonable(kafka.provision, admin, manifest, users, settings.kafka_replication)


async def _answers(name: str, host: str, port: int) -> None:
    if not await until(lambda: listens(host, port), PATIENCE):
        raise Problem(f"{name} at {host}:{port} did not answer within {PATIENCE:.0f} seconds.")


def _passwords(names: Iterable[str], prefix: str, file: Path | None, settings: Provision) -> dict[str, str]:
    kept: dict[str, str] = json.loads(file.read_text()) if file else {}
    return {name: _password(f"I2PCC_PASSWORD_{prefix}{name}", kept.get(name), settings) for name in names}


def _password(name: str, kept: str | None, settings: Provision) -> str:
    variable = name.upper().replace("-", "_")
    password = os.environ.get(variable) or kept or settings.role_password
    if not password:
        files = "I2PCC_PASSWORDS_FILE and I2PCC_KAFKA_PASSWORDS_FILE"
        others = f"Or set {files}, or I2PCC_ROLE_PASSWORD, one for all roles and users."
        raise Problem(f"{variable} is not set.", others, code=2)
    return password
