"""A network that is slow, that cuts connections, and that is silent: on the way to Kafka and to PostgreSQL."""

import asyncio
import time
from contextlib import AsyncExitStack

from deploy.chaos.proxy import Proxy
from deploy.chaos.scene import Scene
from deploy.problems import Problem
from deploy.settings import free_ports

LATENCY = 0.02
SILENCE = 4.0
"""Seconds: longer than a session of the relay may be idle, shorter than a group's."""


async def troubled(scene: Scene, seconds: float) -> None:
    """Put a stranger before both servers; it is slow, then cuts, then is silent, and again."""
    (behind,) = free_ports(1)
    kafka, postgres = Proxy(behind), Proxy(scene.platform.settings.postgres_port)
    async with AsyncExitStack() as stack:
        await scene.platform.restart_kafka(behind)
        stack.push_async_callback(scene.platform.restart_kafka)
        await stack.enter_async_context(kafka.listening(scene.platform.settings.kafka_port))
        port = await stack.enter_async_context(postgres.listening())
        for service in scene.services:
            stack.push_async_callback(scene.platform.restart, service)
            direct = scene.platform.environment(service)["I2PCC_DATABASE_URL"]
            url = direct.replace(f":{scene.platform.settings.postgres_port}/", f":{port}/")
            await scene.platform.restart(service, I2PCC_DATABASE_URL=url)
        await _trouble(scene, (kafka, postgres), time.monotonic() + seconds)
    if not all(proxy.passed and proxy.cut for proxy in (kafka, postgres)):
        raise Problem("Nothing passed the stranger before Kafka or PostgreSQL, or nothing was cut.")


async def _trouble(scene: Scene, proxies: tuple[Proxy, Proxy], end: float) -> None:
    while time.monotonic() < end:
        proxy = scene.dice.choice(proxies)
        proxy.latency = LATENCY
        await asyncio.sleep(scene.dice.uniform(1, 3))
        proxy.latency = 0.0
        for each in proxies:
            each.reset(4, scene.dice)
        await asyncio.sleep(scene.dice.uniform(1, 3))
        proxy.silence()
        await asyncio.sleep(SILENCE)
        proxy.resume()
