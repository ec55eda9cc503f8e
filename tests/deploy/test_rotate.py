"""All that is secret can be made anew; what is stored stays."""

import subprocess
import sys
from pathlib import Path

import asyncpg
import httpx
import pytest
from pydantic import SecretStr

from deploy.embedded import secrets
from deploy.embedded.platform import Platform
from deploy.images.secrets import KEYCLOAK
from deploy.manifest import ADMIN
from deploy.problems import Problem
from deploy.provision.admin import administering
from deploy.settings import Settings
from deploy.signin.client import SignIn
from shared.vocabulary import Role
from tests.factories import someone


async def test_after_a_rotation_nothing_of_before_lets_anyone_in(tmp_path: Path) -> None:
    platform = Platform(Settings.for_tests(tmp_path / "state"))
    await platform.start()
    try:
        before, url = platform.secrets, platform.database_url("i2pcc_intake")
        async with httpx.AsyncClient(timeout=30) as http:
            token = await SignIn(platform.settings.issuer, http).token(someone(Role.OPERATOR))
            assert await _matches(platform, http, token) == 200
            stored = await asyncpg.connect(platform.database_url(secrets.SUPERUSER))
            await stored.execute("create table public.trial as select 42 as answer")
            await stored.close()
            await platform.rotate()
            await platform.start()
            assert await _matches(platform, http, token) == 401
            token = await SignIn(platform.settings.issuer, http).token(someone(Role.OPERATOR))
            assert await _matches(platform, http, token) == 200
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(url)
        for user in ("intake", ADMIN):
            old = platform.kafka(user).model_copy(update={"password": SecretStr(before.kafka_passwords[user])})
            with pytest.raises(Problem, match=f"refuses the password of {user}"), administering(old):
                pass
        stored = await asyncpg.connect(platform.database_url(secrets.SUPERUSER))
        assert await stored.fetchval("select answer from public.trial") == 42
        await stored.close()
        assert not set(before.passwords.values()) & set(platform.secrets.passwords.values())
        assert not set(before.kafka_passwords.values()) & set(platform.secrets.kafka_passwords.values())
    finally:
        await platform.stop()


async def _matches(platform: Platform, http: httpx.AsyncClient, token: str) -> int:
    url = f"{platform.urls['matching']}/v1/matches"
    return (await http.get(url, headers={"Authorization": f"Bearer {token}"})).status_code


async def test_where_nothing_was_started_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="Nothing was started here yet"):
        await Platform(Settings.for_tests(tmp_path / "state")).rotate()


def test_on_docker_all_is_made_anew_that_the_stack_itself_can_be_told(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "deploy.images.secrets", str(tmp_path))
    before, after = (_made(tmp_path, (*command, *more)) for more in ((), ("renew",)))
    same = {role for role, password in before.passwords.items() if after.passwords[role] == password}
    assert same == {secrets.SUPERUSER, KEYCLOAK}
    assert not set(before.kafka_passwords.values()) & set(after.kafka_passwords.values())
    assert before.signing_key.as_dict() != after.signing_key.as_dict()
    assert (tmp_path / "intake.kafka").read_text() == after.kafka_passwords["intake"]


def _made(volume: Path, command: tuple[str, ...]) -> secrets.Secrets:
    subprocess.run(command, check=True)
    return secrets.keep(volume / "made", [])
