"""A service as the network meets it: whoever sends too much, too slowly or too often is told so, or hung up on."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import psutil
import pytest
import pytest_asyncio
from fastapi import FastAPI
from pydantic import ValidationError

from deploy.embedded.platform import Platform
from deploy.embedded.processes import Processes, Program
from deploy.settings import SERVICES, free_ports
from deploy.waiting import answers, until
from shared import problems
from shared.server import HEADERS, MAX_HEAD, MAX_HEADERS, SafeHeaders
from shared.settings import Http
from tests.browser import Browser, check_problem
from tests.factories import company_person
from tests.routes import ROUTES

PORTAL = "https://portal.example.org"
RATE = 30
MOST = 40
PATIENCE = 1.0
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Impatient:
    """A second intake that puts up with little."""

    http: httpx.AsyncClient
    port: int
    process: psutil.Process
    anyone: Browser

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection for bytes as one likes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()

    async def answer(self, *pieces: bytes) -> bytes:
        """All that is answered to these bytes, until the connection is closed."""
        async with asyncio.timeout(30), self.connection() as (reader, writer):
            for piece in pieces:
                writer.write(piece)
            return await reader.read()

    async def bearer(self, person: Any) -> dict[str, str]:
        """A person's token."""
        return {"Authorization": f"Bearer {await self.anyone.signin.token(person)}"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def impatient(
    operator: Browser, services: Platform, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Impatient]:
    """The service's own program with its own settings, beside the one that runs."""
    (port,) = free_ports(1)
    environment = services.environment("intake") | {
        "I2PCC_INTAKE_PORT": str(port),
        "I2PCC_HTTP_PATIENCE": str(PATIENCE),
        "I2PCC_HTTP_CONNECTIONS": str(MOST),
        "I2PCC_HTTP_RATE": f"{RATE}/minute",
        "I2PCC_HTTP_ORIGINS": f"{PORTAL}, http://localhost:3000",
    }
    processes = Processes(tmp_path_factory.mktemp("impatient"))
    command = (sys.executable, "-m", "services.intake.app")
    process = processes.start(Program("intake", command, port, environment))

    async def ready() -> bool:
        return await answers("127.0.0.1", port, "/health/ready")

    assert await until(ready, 60), processes.tail("intake")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
        yield Impatient(http, port, process, operator)
    processes.stop("intake")


ENDLESS = {
    "URL": (b"GET /", b"x" * 65_536),
    "header": (b"GET / HTTP/1.1\r\nX: ", b"x" * 65_536),
    "header name": (b"GET / HTTP/1.1\r\n", b"x" * 65_536),
    "row of headers": (b"GET / HTTP/1.1\r\n", b"X: y\r\n" * 10_000),
    "row of blank lines": (b"", b"\r\n" * 30_000),
    "trailer": (b"POST /v1/contacts HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"x" * 65_536),
    "row of trailers": (b"POST /v1/contacts HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n" * 10_000),
    "chunk extension": (b"POST /v1/contacts HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;x=", b"x" * 65_536),
}


@pytest.mark.parametrize("endless", ENDLESS)
async def test_what_never_ends_is_cut_off_early(impatient: Impatient, endless: str) -> None:
    start, more = ENDLESS[endless]
    before, sent = impatient.process.memory_info().rss, 0
    async with impatient.connection() as (_, writer):
        writer.write(start)
        try:
            while sent < 100 * MEGABYTE:
                writer.write(more)
                await writer.drain()
                sent += len(more)
        except ConnectionError:
            pass
    assert sent < 10 * MEGABYTE
    assert impatient.process.memory_info().rss - before < 20 * MEGABYTE


@pytest.mark.parametrize(
    "head",
    [
        b"GET /docs HTTP/1.1\r\n" + b"X: y\r\n" * (MAX_HEADERS + 1) + b"\r\n",
        b"GET /docs HTTP/1.1\r\nX: " + b"y" * MAX_HEAD + b"\r\n\r\n",
        b"GET /docs?" + b"y" * MAX_HEAD + b" HTTP/1.1\r\n\r\n",
        b"GET /docs HTTP/1.1\r\nX: " + b"y" * MAX_HEAD + b"y",
    ],
    ids=["many headers", "a large header", "a large URL", "a large header that has not ended"],
)
async def test_a_head_that_is_too_large_is_told_the_limits(impatient: Impatient, head: bytes) -> None:
    problem = raw_problem(await impatient.answer(head), 431)
    assert str(MAX_HEAD) in problem["detail"]
    assert str(MAX_HEADERS) in problem["detail"]


async def test_a_head_within_the_limits_is_answered(impatient: Impatient) -> None:
    head = b"GET /health/live HTTP/1.1\r\nConnection: close\r\n" + b"X: y\r\n" * (MAX_HEADERS - 1)
    assert b" 200 OK" in await impatient.answer(head, b"\r\n")


async def test_what_is_not_http_is_a_problem_too(impatient: Impatient) -> None:
    raw_problem(await impatient.answer(b"\x16\x03\x01 is no HTTP\r\n\r\n"), 400)


def raw_problem(answer: bytes, status: int) -> dict[str, Any]:
    """The problem document of an answer that no application gave, with what every answer has."""
    head, _, body = answer.partition(b"\r\n\r\n")
    line, *lines = head.decode().split("\r\n")
    headers = {name: value for name, _, value in (line.partition(": ") for line in lines)}
    made = httpx.Response(
        int(line.split()[1]), headers=headers, content=body, request=httpx.Request("GET", "http://service")
    )
    assert_safe(made)
    return check_problem(made, status)


LENGTH = b"POST /v1/contacts HTTP/1.1\r\nContent-Length: "


async def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(impatient: Impatient) -> None:
    assert b" 413 " in await impatient.answer(LENGTH + b"65537\r\nConnection: close\r\n\r\n")


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"0x10", b"9" * 40, b"5\r\nContent-Length: 6"])
async def test_a_length_that_makes_no_sense_is_refused(impatient: Impatient, length: bytes) -> None:
    raw_problem(await impatient.answer(LENGTH + length + b"\r\n\r\n"), 400)


SLOW = {
    "nothing": (b"", 408),
    "half a line": (b"GET /hea", 408),
    "half a head": (b"GET /health/live HTTP/1.1\r\nHost: x\r\n", 408),
    "half a body": (LENGTH + b"100\r\n\r\n{", None),
    "a chunk without an end": (b"POST /v1/contacts HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", None),
}


@pytest.mark.parametrize("drip", [False, True], ids=["and then nothing", "drop by drop"])
@pytest.mark.parametrize("slow", SLOW)
async def test_who_does_not_send_the_whole_request_in_time_is_hung_up_on(
    impatient: Impatient, slow: str, drip: bool
) -> None:
    start, status = SLOW[slow]
    async with asyncio.timeout(10 * PATIENCE), impatient.connection() as (reader, writer):
        writer.write(start)
        answer = asyncio.ensure_future(reader.read())
        while drip and start and not answer.done():
            await asyncio.wait([answer], timeout=PATIENCE / 10)
            writer.write(b"x")
        got = await answer
    if status:
        raw_problem(got, status)
    else:
        assert got == b""


async def test_a_connection_that_rests_between_requests_is_not_told_that_it_is_slow(impatient: Impatient) -> None:
    request = b"GET /health/live HTTP/1.1\r\n\r\n"
    async with asyncio.timeout(30), impatient.connection() as (reader, writer):
        writer.write(request)
        assert b" 200 OK" in await reader.readuntil(b'"waiting_for":[]}')
        await asyncio.wait([asyncio.ensure_future(reader.read(1))], timeout=2 * PATIENCE)
        assert not reader.at_eof()


async def test_too_many_connections_are_refused_and_the_others_served(impatient: Impatient) -> None:
    held = [await asyncio.open_connection("127.0.0.1", impatient.port) for _ in range(MOST)]
    try:
        raw_problem(await impatient.answer(b""), 503)
    finally:
        for _, writer in held:
            writer.close()

    async def free() -> bool:
        return await answers("127.0.0.1", impatient.port, "/health/live")

    assert await until(free, 10)


async def test_who_asks_too_often_is_told_when_to_go_on_and_others_are_answered(impatient: Impatient) -> None:
    busy, other = await impatient.bearer(company_person()), await impatient.bearer(company_person())
    answered = await refused_after(impatient, busy)
    # A window's end may come between them.
    assert RATE <= answered <= RATE + 2
    assert (await impatient.http.get("/v1/proposals", headers=other)).status_code == 200


async def test_an_address_that_fails_to_sign_in_too_often_is_told_so_and_its_good_tokens_are_taken(
    impatient: Impatient,
) -> None:
    await refused_after(impatient, {"Authorization": "Bearer guessed"})
    problem = check_problem(await impatient.http.get("/v1/proposals"), 429)
    assert f"{RATE}/minute" in problem["detail"]
    good = await impatient.bearer(company_person())
    assert (await impatient.http.get("/v1/proposals", headers=good)).status_code == 200


async def refused_after(impatient: Impatient, headers: dict[str, str]) -> int:
    """How many requests are answered before one is told that it is too many."""
    for number in range(3 * RATE):
        answer = await impatient.http.get("/v1/proposals", headers=headers)
        if answer.status_code == 429:
            assert 1 <= int(answer.headers["Retry-After"]) <= 60
            return number
    raise AssertionError("there is no limit")


PREFLIGHT = {
    "Origin": PORTAL,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,idempotency-key",
}


@pytest.mark.parametrize("origin", [PORTAL, "http://localhost:3000"])
async def test_a_page_of_an_origin_that_is_listed_may_call(impatient: Impatient, origin: str) -> None:
    answer = await impatient.http.get("/health/live", headers={"Origin": origin})
    assert answer.headers["access-control-allow-origin"] == origin
    assert "access-control-allow-credentials" not in answer.headers
    preflight = await impatient.http.options("/v1/contacts", headers=PREFLIGHT | {"Origin": origin})
    assert preflight.headers["access-control-allow-origin"] == origin
    assert preflight.headers["access-control-allow-methods"] == "GET, POST, PUT"


@pytest.mark.parametrize(
    "origin", ["null", "https://portal.example.org.evil.example", "http://portal.example.org", "https://example.org"]
)
async def test_a_page_of_another_origin_may_not(impatient: Impatient, origin: str) -> None:
    for answer in (
        await impatient.http.get("/health/live", headers={"Origin": origin}),
        await impatient.http.options("/v1/contacts", headers=PREFLIGHT | {"Origin": origin}),
    ):
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("service", SERVICES)
async def test_without_a_list_no_page_of_elsewhere_may_call(operator: Browser, service: str) -> None:
    url = f"{operator.platform.urls[service]}/health/live"
    for answer in (
        await operator.http.get(url, headers={"Origin": PORTAL}),
        await operator.http.options(url, headers=PREFLIGHT),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    "origins",
    [
        "*",
        "https://*.example.org",
        "portal.example.org",
        "https://portal.example.org/",
        "https://portal.example.org, *",
        "null",
        "ftp://example.org",
        "https://Portal.example.org",
        "https://a.example b.example",
        "https://user@example.org",
    ],
)
def test_origins_that_are_none_are_refused_with_an_example(monkeypatch: pytest.MonkeyPatch, origins: str) -> None:
    monkeypatch.setenv("I2PCC_HTTP_ORIGINS", origins)
    with pytest.raises(ValidationError, match="I2PCC_HTTP_ORIGINS must list origins such as https://"):
        Http()


@pytest.mark.parametrize("rate", ["", "3000", "many/minute", "-1/minute", "3000/fortnight", "0/minute"])
def test_a_rate_that_is_none_is_refused_with_an_example(monkeypatch: pytest.MonkeyPatch, rate: str) -> None:
    monkeypatch.setenv("I2PCC_HTTP_RATE", rate)
    with pytest.raises(ValidationError, match="I2PCC_HTTP_RATE must be a rate such as 3000/minute"):
        Http()


def assert_safe(answer: httpx.Response) -> None:
    """What holds for every answer."""
    for name, value in HEADERS.items():
        if name == "Cross-Origin-Opener-Policy" and answer.url.path == "/docs":
            assert answer.headers[name] == "same-origin-allow-popups", "the page opens sign-in, and hears of it"
        elif name != "Content-Security-Policy":
            assert answer.headers.get_list(name) == [value]
    (policy,) = answer.headers.get_list("Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")
    assert policy.endswith("; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
    assert "unsafe" not in policy
    assert "server" not in answer.headers


@pytest.mark.parametrize("service", SERVICES)
async def test_every_answer_has_the_headers_that_make_it_safe(operator: Browser, service: str) -> None:
    url = operator.platform.urls[service]
    route = next(route for route in ROUTES if route.service == service and route.method == "GET")
    found = [
        await operator.of(route.user()).read(service, route.at()),
        await operator.http.get(f"{url}{route.at()}"),
        await operator.http.post(f"{url}{route.at()}", content=b"x" * 100_000),
        await operator.http.delete(f"{url}{route.at()}"),
        await operator.http.get(f"{url}/v1/nothing"),
    ]
    pages = ["/docs", "/docs/assets/swagger-ui.css", "/docs/own/docs.js", "/docs/own/nothing", "/events", "/nothing"]
    found_pages = [await operator.http.get(f"{url}{page}") for page in (*pages, "/asyncapi.json", "/openapi.json")]
    for answer in (*found, *found_pages):
        assert_safe(answer)
    assert {answer.headers["Cache-Control"] for answer in found} == {"no-store"}


async def test_our_own_failure_has_them_too() -> None:
    app = FastAPI()
    problems.add_handlers(app)

    @app.get("/fails")
    def fails() -> None:
        raise LookupError("something")

    transport = httpx.ASGITransport(SafeHeaders(app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        answer = await http.get("/fails")
    check_problem(answer, 500)
    assert_safe(answer)
