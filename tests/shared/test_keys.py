"""Tokens are believed by the keys that their issuer publishes, no longer than it does, and no fetch is done in vain."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from deploy.embedded.platform import Platform
from deploy.embedded.processes import Processes, Program
from deploy.settings import free_ports
from deploy.waiting import beside, listens, until
from shared import keys
from shared.auth import LEEWAY, Verifier
from shared.keys import AGE, MOST, PAUSE
from shared.problems import Problem
from shared.settings import Auth
from shared.vocabulary import Role
from tests.browser import check_problem
from tests.issuer import Issuer, Publisher, a_key, published, publishing

OLD, NEW = a_key("old"), a_key("new")


@pytest.fixture
async def publisher() -> AsyncIterator[Publisher]:
    """It publishes the old key."""
    async with publishing(*free_ports(1), OLD) as made:
        yield made


@pytest.fixture
def issuer(publisher: Publisher) -> Issuer:
    """It signs with the old key."""
    return Issuer(publisher.url, OLD)


@pytest.fixture
async def verifier(publisher: Publisher) -> Verifier:
    """It holds the keys as they are published at first."""
    made = Verifier(publisher.settings)
    await made.keys.renewed()
    return made


@pytest.fixture
def pass_(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let so many seconds have passed."""
    offset, wall, monotonic = [0.0], time.time, time.monotonic

    def later(seconds: float) -> None:
        offset[0] += seconds

    monkeypatch.setattr(time, "time", lambda: wall() + offset[0])
    monkeypatch.setattr(keys, "time", type("Clock", (), {"monotonic": lambda: monotonic() + offset[0]}))
    return later


async def refused(verifier: Verifier, token: str, status: int = 401) -> str:
    """How a token is refused."""
    with pytest.raises(Problem) as caught:
        await verifier.caller(token)
    assert caught.value.status == status
    return str(caught.value)


async def test_a_token_of_a_published_key_is_believed_without_another_fetch(
    verifier: Verifier, issuer: Issuer, publisher: Publisher
) -> None:
    for _ in range(3):
        assert (await verifier.caller(issuer.token())).role is Role.OPERATOR
    assert publisher.asked == 1


async def test_a_token_that_was_good_is_refused_once_it_has_expired(
    verifier: Verifier, issuer: Issuer, pass_: Callable[[float], None]
) -> None:
    good = issuer.token(exp=int(time.time()) + 3_600)
    await verifier.caller(good)
    pass_(3_600 + LEEWAY - 5)
    await verifier.caller(good)
    pass_(10)
    assert "expired" in await refused(verifier, good)


async def test_a_new_key_works_at_once_for_everybody_by_one_fetch(
    verifier: Verifier, issuer: Issuer, publisher: Publisher, pass_: Callable[[float], None]
) -> None:
    publisher.body = published(OLD, NEW)
    pass_(PAUSE)
    callers = await asyncio.gather(*(verifier.caller(issuer.token(key=NEW, sub=str(n))) for n in range(20)))
    assert [caller.subject for caller in callers] == [str(n) for n in range(20)]
    assert publisher.asked == 2


async def test_a_flood_of_forged_tokens_is_no_flood_of_fetches(
    verifier: Verifier, issuer: Issuer, publisher: Publisher, pass_: Callable[[float], None]
) -> None:
    pass_(PAUSE)
    forged = [issuer.token(key=a_key(f"forged-{n}")) for n in range(20)]
    for _ in range(2):
        await asyncio.gather(*(refused(verifier, token) for token in forged))
    assert publisher.asked == 2
    pass_(PAUSE)
    await refused(verifier, forged[0])
    assert publisher.asked == 3


async def test_a_token_is_refused_after_its_key_was_withdrawn_and_the_keys_fetched_again(
    verifier: Verifier, issuer: Issuer, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = issuer.token()
    await verifier.caller(good)
    publisher.body = published(NEW)
    await verifier.caller(good)
    monkeypatch.setattr(keys, "AGE", 0.01)

    async def fetched() -> bool:
        return publisher.asked > 2

    async with beside(verifier.keys.run()):
        assert await until(fetched, 10)
    assert "invalid_key_id" in await refused(verifier, good)
    assert (await verifier.caller(issuer.token(key=NEW))).role is Role.OPERATOR


def test_keys_are_not_believed_for_longer_than_the_docstring_says() -> None:
    assert AGE == 300
    assert "five minutes" in (Verifier.__doc__ or "")


AWAY = {
    "an error": {"status": "500 Internal Server Error"},
    "a redirect to keys": {"status": "302 Found", "headers": ("Location: /jwks",)},
    "an empty set": {"body": b'{"keys": []}'},
    "no JSON": {"body": b"<html>"},
    "no key set": {"body": b"[]"},
    "a broken key": {"body": b'{"keys": [{"kty": "EC", "crv": "P-256", "kid": "new"}]}'},
    "too much": {"body": json.dumps({"keys": [], "padding": "x" * MOST}).encode()},
}


@pytest.mark.parametrize("answer", AWAY.values(), ids=AWAY)
async def test_what_is_no_key_set_leaves_the_keys_that_are_held(
    verifier: Verifier,
    issuer: Issuer,
    publisher: Publisher,
    pass_: Callable[[float], None],
    answer: dict[str, object],
) -> None:
    for name, value in answer.items():
        setattr(publisher, name, value)
    pass_(PAUSE)
    await refused(verifier, issuer.token(key=NEW))
    assert publisher.asked == 2, "a redirect must not be followed"
    assert (await verifier.caller(issuer.token())).role is Role.OPERATOR


async def test_an_issuer_that_does_not_answer_is_given_up(
    verifier: Verifier,
    issuer: Issuer,
    publisher: Publisher,
    pass_: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keys, "PATIENCE", 0.05)
    publisher.silent.clear()
    pass_(PAUSE)
    await refused(verifier, issuer.token(key=NEW))
    assert (await verifier.caller(issuer.token())).role is Role.OPERATOR
    publisher.silent.set()


async def test_before_the_first_keys_nobody_is_refused_for_who_they_are() -> None:
    (port,) = free_ports(1)
    issuer = Issuer(Publisher(port, b"").url, OLD)
    verifier = Verifier(Publisher(port, b"").settings)
    assert "Sign-in cannot be reached" in await refused(verifier, issuer.token(), 503)
    async with publishing(port, OLD):
        async with beside(verifier.keys.run()):
            assert await until(lambda: _held(verifier), 10)
        assert (await verifier.caller(issuer.token())).role is Role.OPERATOR


async def _held(verifier: Verifier) -> bool:
    return verifier.keys.held is not None


async def test_a_service_says_that_it_waits_for_sign_in(services: Platform, processes: Processes) -> None:
    port, away = free_ports(2)
    changes = {"I2PCC_REGIONS_PORT": str(port), "I2PCC_AUTH_JWKS_URL": f"http://127.0.0.1:{away}/jwks"}
    command = (sys.executable, "-m", "services.regions.app")
    processes.start(Program("regions", command, port, services.environment("regions") | changes))
    token = Issuer(services.settings.issuer, OLD).token(role="region", region="hebei")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:

        async def says(status: int, *waits: str) -> bool:
            if not await listens("127.0.0.1", port):
                return False
            answer = await http.get("/health/ready")
            return (answer.status_code, answer.json()["waiting_for"]) == (status, [*waits])

        assert await until(lambda: says(503, "sign-in"), 30)
        answer = await http.get("/v1/needs", headers={"Authorization": f"Bearer {token}"})
        assert "Sign-in" in check_problem(answer, 503)["detail"]
        assert answer.headers["retry-after"]
        async with publishing(away, OLD):
            assert await until(lambda: says(200), 30)
        answer = await http.get("/v1/needs", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/jwks", "jwks.json", ""])
def test_keys_are_fetched_by_http_alone(url: str) -> None:
    with pytest.raises(ValueError, match="jwks_url"):
        Auth.model_validate({"issuer": "x", "jwks_url": url})
