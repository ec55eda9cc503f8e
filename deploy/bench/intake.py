"""intake: durable submissions a second through HTTP, beside a plain app that inserts the same two rows."""

import sys
from collections.abc import Mapping

import httpx

from deploy.bench import people
from deploy.bench.ground import Figures, Ground, eventually
from deploy.bench.load import load, request
from deploy.bench.peers.plain_api import SCRIPT
from deploy.bench.texts import a_text
from deploy.embedded.processes import Program
from deploy.signin.client import SignIn
from deploy.waiting import listens
from shared.migrations.plumbing import OUTBOX_WAITS, V1

CONNECTIONS = 32
WARM_UP = 3.0
SECONDS = 15.0
TEXTS = 200
PLAIN = "plain-app"


async def run(ground: Ground) -> Figures:
    """Measure the service, then the plain app in its place."""
    with ground.step("intake: ours"):
        ours = await _ours(ground)
    with ground.step("intake: FastAPI and SQLModel"):
        peer = await _peer(ground)
    return {
        "connections": CONNECTIONS,
        "submissions_per_second": round(ours),
        "plain_app_submissions_per_second": round(peer),
        "ratio": {"FastAPI and SQLModel": round(ours / peer, 2)},
    }


async def _ours(ground: Ground) -> float:
    platform = ground.platform
    await platform.restart("intake")
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        _, contact = await people.company(platform, http)
        token = await SignIn(platform.settings.issuer, http).token(people.COMPANY)
    try:
        return await _measure(platform.urls["intake"], {"Authorization": f"Bearer {token}"}, contact)
    finally:
        platform.processes.stop("intake")


async def _peer(ground: Ground) -> float:
    await ground.clear(V1, OUTBOX_WAITS, SCRIPT)
    port = ground.platform.settings.port("intake")
    url = ground.url.replace("postgresql://", "postgresql+asyncpg://", 1)
    environment = {"PEER_DATABASE_URL": url, "PEER_PORT": str(port)}
    command = (sys.executable, "-m", "deploy.bench.peers.plain_api")
    ground.platform.processes.start(Program(PLAIN, command, port, environment))

    async def up() -> bool:
        return await listens("127.0.0.1", port)

    try:
        await eventually("the plain app answers", up)
        return await _measure(f"http://127.0.0.1:{port}", {}, "00000000-0000-0000-0000-000000000001")
    finally:
        ground.platform.processes.stop(PLAIN)


async def _measure(url: str, headers: Mapping[str, str], contact: str) -> float:
    requests = [_submission(number, headers, contact) for number in range(TEXTS)]
    await load(url, requests, CONNECTIONS, WARM_UP)
    return await load(url, requests, CONNECTIONS, SECONDS)


def _submission(number: int, headers: Mapping[str, str], contact: str) -> bytes:
    text = a_text(number)
    return request("/v1/proposals", {**vars(text), "contact_id": contact}, headers)
