"""Passwords and the signing key of this machine: made at the first start, kept in files that only their owner reads."""

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from deploy.files import write
from deploy.manifest import ADMIN
from deploy.problems import Problem
from deploy.settings import REALM

SUPERUSER = "postgres"


@dataclass(frozen=True)
class Secrets:
    """What is secret in one state folder."""

    passwords: dict[str, str]
    """By PostgreSQL role, the superuser's too."""
    kafka_passwords: dict[str, str]
    """By Kafka user, the admin's too."""
    signing_key: ECKey
    """ES256; what the sign-in server signs with."""


def keep(folder: Path, roles: Iterable[str], users: Iterable[str] = ()) -> Secrets:
    """Read the secrets, after making those that are missing.

    Args:
        folder: where they are kept.
        roles: PostgreSQL's, without the superuser.
        users: Kafka's, without the admin.

    Raises:
        Problem: they can't be read.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        return _keep(folder, roles, users)
    except (ValueError, TypeError, KeyError, JoseError) as error:
        raise Problem(
            f"A file in {folder} is damaged.",
            "Restore it from a backup, or begin anew, without what was stored: i2pcc down --wipe",
        ) from error


def _keep(folder: Path, roles: Iterable[str], users: Iterable[str]) -> Secrets:
    return Secrets(
        passwords=_passwords(folder / "passwords.json", [SUPERUSER, *roles]),
        kafka_passwords=_passwords(folder / "kafka.json", [ADMIN, *users]),
        signing_key=_signing_key(folder / "signing-key.json"),
    )


def _passwords(file: Path, roles: list[str]) -> dict[str, str]:
    known: dict[str, str] = dict(json.loads(file.read_text())) if file.exists() else {}
    missing = {role: secrets.token_urlsafe(24) for role in roles if role not in known}
    if missing:
        write(file, json.dumps(known | missing))
    return known | missing


def _signing_key(file: Path) -> ECKey:
    if not file.exists():
        made = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256", "kid": REALM}, auto_kid=False)
        write(file, json.dumps(made.as_dict(private=True)))
    return ECKey.import_key(json.loads(file.read_text()))
