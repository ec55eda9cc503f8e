"""The platform survives what happens to processes."""

import asyncio
import os
import socket
from pathlib import Path

import psutil
import pytest

from deploy.embedded.platform import SERVERS, Platform
from deploy.embedded.postgres import NOBODY
from deploy.problems import Problem
from deploy.provision.run import provision_database
from deploy.settings import LOOPBACK, Settings, free_ports
from tests.tables import superuser


async def test_a_second_start_leaves_what_runs_as_it_is(platform: Platform) -> None:
    before = {name: platform.process(name) for name in SERVERS}
    await Platform(platform.settings).start(services=False)
    assert {name: platform.process(name) for name in SERVERS} == before


async def test_a_killed_database_returns_with_its_data(platform: Platform) -> None:
    async with superuser(platform) as connection:
        await connection.execute("create table public.trial as select 42 as answer")
    platform.kill("postgres")
    await platform.restart("postgres")
    async with superuser(platform) as connection:
        assert await connection.fetchval("select answer from public.trial") == 42
        await connection.execute("drop table public.trial")


async def test_a_killed_broker_returns(platform: Platform) -> None:
    platform.kill("kafka")
    assert not await platform.is_ready("kafka")
    await platform.restart("kafka")
    assert await platform.is_ready("kafka")


async def test_a_start_mends_what_has_died_and_leaves_the_rest_alone(platform: Platform) -> None:
    before = {name: platform.process(name) for name in ("kafka", "postgres")}
    platform.kill("mailbox")
    assert platform.missing(services=False) == ["mailbox"]
    await platform.start(services=False)
    assert await platform.is_ready("mailbox")
    assert {name: platform.process(name) for name in before} == before


async def test_a_taken_port_leaves_what_runs_as_it_is(platform: Platform) -> None:
    before = {name: platform.process(name) for name in SERVERS}
    (port,) = free_ports(1)
    other = Platform(platform.settings.model_copy(update={"mailbox_port": port}))
    assert other.as_it_runs().settings == platform.settings
    with socket.create_server(("127.0.0.1", port)), pytest.raises(Problem, match=f"{port} is taken"):
        await other.start(services=False)
    assert {name: platform.process(name) for name in SERVERS} == before


async def test_a_killed_database_returns_also_when_a_stranger_has_got_its_process_id(platform: Platform) -> None:
    stranger = await asyncio.create_subprocess_exec("sleep", "60", user=NOBODY if os.geteuid() == 0 else None)
    platform.kill("postgres")
    lock = platform.settings.state / "postgres" / "data" / "postmaster.pid"
    lock.write_text("\n".join([str(stranger.pid), *lock.read_text().split("\n")[1:]]))
    await platform.restart("postgres")
    assert await platform.is_ready("postgres")
    stranger.kill()
    await stranger.wait()


async def test_lost_passwords_are_told_and_what_is_stored_stays(platform: Platform) -> None:
    url = platform.database_url("postgres").replace(platform.secrets.passwords["postgres"], "lost")
    with pytest.raises(Problem, match="refuses the password of postgres"):
        await provision_database(url, platform.secrets.passwords, platform.manifest)


async def test_nothing_is_started_when_a_port_is_taken(tmp_path: Path) -> None:
    settings = Settings.for_tests(tmp_path / "state")
    with socket.create_server(("127.0.0.1", settings.mail_port)), pytest.raises(Problem, match="is taken"):
        await Platform(settings).start(services=False)
    assert Platform(settings).processes.names() == []


async def test_only_services_are_reached_from_elsewhere(tmp_path: Path) -> None:
    settings = Settings.for_tests(tmp_path / "state").model_copy(update={"http_host": "0.0.0.0"})
    platform = Platform(settings)
    await platform.start(services=False)
    try:
        assert {name: listening(platform, name) for name in SERVERS} == {name: {LOOPBACK} for name in SERVERS}
    finally:
        await platform.stop()


def listening(platform: Platform, name: str) -> set[str]:
    """The addresses that a part listens on."""
    process = platform.process(name)
    assert process
    return {
        found.laddr.ip.removeprefix("::ffff:")
        for found in process.net_connections("tcp")
        if found.status == psutil.CONN_LISTEN
    }
