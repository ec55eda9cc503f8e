"""The platform survives what happens to processes."""

import socket
from pathlib import Path

import asyncpg
import pytest

from deploy.embedded.platform import SERVERS, Platform
from deploy.problems import Problem
from deploy.settings import Settings


async def test_a_second_start_leaves_what_runs_as_it_is(platform: Platform) -> None:
    before = {name: platform.process(name) for name in SERVERS}
    await Platform(platform.settings).start(services=False)
    assert {name: platform.process(name) for name in SERVERS} == before


async def test_a_killed_database_returns_with_its_data(platform: Platform) -> None:
    connection = await asyncpg.connect(platform.database_url("postgres"))
    await connection.execute("create table public.trial as select 42 as answer")
    await connection.close()
    platform.kill("postgres")
    await platform.restart("postgres")
    connection = await asyncpg.connect(platform.database_url("postgres"))
    assert await connection.fetchval("select answer from public.trial") == 42
    await connection.execute("drop table public.trial")
    await connection.close()


async def test_a_killed_broker_returns(platform: Platform) -> None:
    platform.kill("kafka")
    assert not await platform.is_ready("kafka")
    await platform.restart("kafka")
    assert await platform.is_ready("kafka")


async def test_nothing_is_started_when_a_port_is_taken(tmp_path: Path) -> None:
    settings = Settings.for_tests(tmp_path / "state")
    with socket.create_server(("127.0.0.1", settings.mail_port)), pytest.raises(Problem, match="is taken"):
        await Platform(settings).start(services=False)
    assert Platform(settings).processes.names() == []
