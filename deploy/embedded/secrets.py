"""Passwords and the signing key of this machine: made at the first start, kept in files that only their owner reads."""

import json
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from deploy.files import write
from deploy.manifest import ADMIN
from deploy.problems import Problem
from deploy.settings import REALM

SUPERUSER = "postgres"
ROLES, USERS, KEY = "passwords.json", "kafka.json", "signing-key.json"


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


def forget(folder: Path, but: Collection[str] = ()) -> None:
    """Have `keep` make all of it anew, but for these roles' passwords."""
    kept = _known(folder / ROLES)
    write(folder / ROLES, json.dumps({role: kept[role] for role in but}))
    for name in (USERS, KEY):
        (folder / name).unlink(missing_ok=True)


def _keep(folder: Path, roles: Iterable[str], users: Iterable[str]) -> Secrets:
    return Secrets(
        passwords=_passwords(folder / ROLES, [SUPERUSER, *roles]),
        kafka_passwords=_passwords(folder / USERS, [ADMIN, *users]),
        signing_key=_signing_key(folder / KEY),
    )


def _passwords(file: Path, roles: list[str]) -> dict[str, str]:
    known = _known(file)
    missing = {role: secrets.token_urlsafe(24) for role in roles if role not in known}
    if missing:
        write(file, json.dumps(known | missing))
    return known | missing


def _known(file: Path) -> dict[str, str]:
    return dict(json.loads(file.read_text())) if file.exists() else {}


def _signing_key(file: Path) -> ECKey:
    if not file.exists():
        made = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256", "kid": REALM}, auto_kid=False)
        write(file, json.dumps(made.as_dict(private=True)))
    return ECKey.import_key(json.loads(file.read_text()))
