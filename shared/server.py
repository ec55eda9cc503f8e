"""The HTTP server: headers that every answer has, and the limits that uvicorn lacks.

A request's head is small, a request arrives in time, and there are not too many connections.
"""

import asyncio
import socket
import sys
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.metrics import REFUSED, Measured
from shared.problems import Problem
from shared.settings import Http

MAX_HEAD = 32_768
"""Bytes of a request line and its headers."""
MAX_HEADERS = 100
STARTUP_FAILED = 3
"""The exit code with which uvicorn's own command says so."""

UNREADABLE = Problem(400, "Bad Request", "This is not HTTP that can be read.")
SLOW = Problem(408, "Request Timeout", "The request did not arrive in time.")
LARGE_HEAD = Problem(
    431,
    "Request Header Fields Too Large",
    f"URL and headers may have at most {MAX_HEAD} bytes together, and there may be at most {MAX_HEADERS} headers.",
)
CROWDED = Problem(
    503, "Not available now", "Too many connections are open. Try again in a few seconds.", headers={"Retry-After": "5"}
)

for _problem in (UNREADABLE, SLOW, LARGE_HEAD, CROWDED):
    REFUSED.labels(str(_problem.status))


HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""What every answer has; a page that needs more than nothing says so in a Content-Security-Policy of its own."""
_RAW = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
_RAW_OF_DATA = [*_RAW, (b"cache-control", b"no-store")]


@dataclass(frozen=True)
class SafeHeaders:
    """Adds HEADERS to what an application answers, whatever in it answers; data is kept by no cache."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add them as the answer starts."""

        async def safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in message["headers"]}
                more = _RAW_OF_DATA if scope["path"].startswith("/v1") else _RAW
                message["headers"] = [*message["headers"], *(pair for pair in more if pair[0] not in given)]
            await send(message)

        await self.app(scope, receive, safely)


def serve(app: ASGIApp, settings: Http, port: int) -> None:
    """Serve until SIGTERM, on the socket that was passed on, or else on the port."""
    config = uvicorn.Config(
        SafeHeaders(Measured(app)),
        host=settings.host,
        port=port,
        loop="asyncio",  # uvloop's closed transports raise what kills aiokafka's tasks (aiokafka's issue 1038)
        http=_guarded(settings),
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=settings.proxies,
        timeout_graceful_shutdown=10,
    )
    server = uvicorn.Server(config)
    server.run(None if settings.fd is None else [socket.socket(fileno=settings.fd)])
    if not server.started:
        sys.exit(STARTUP_FAILED)


def _guarded(settings: Http) -> type[asyncio.Protocol]:
    """Uvicorn makes a protocol a connection, from a class."""

    class Protocol(Guarded):
        patience = settings.patience
        most = settings.connections

    return Protocol


class Guarded(HttpToolsProtocol):
    """Refuses a head as soon as it is too large, and closes a connection that keeps a request waiting."""

    patience: float
    most: int

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a request, unless there are too many connections."""
        super().connection_made(transport)
        self._refusal = UNREADABLE
        self._unread, self._in_head = 0, True
        self._deadline = self.loop.call_later(self.patience, self._too_slow)
        if len(self.connections) > self.most:
            self._refuse(CROWDED)

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._deadline.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on. Until a head is complete (or what trails a body in chunks) the parser holds all that was sent."""
        self._unread += len(data)
        super().data_received(data)
        if self._unread > MAX_HEAD and not self.transport.is_closing():
            self._refuse(LARGE_HEAD)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head = True
        self._deadline.cancel()
        self._deadline = self.loop.call_later(self.patience, self._too_slow)

    def on_headers_complete(self) -> None:
        """A request's head is there: have it answered."""
        self._unread, self._in_head = 0, False
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > MAX_HEAD or len(self.headers) > MAX_HEADERS:
            self._refusal, self._in_head = LARGE_HEAD, True
            raise ValueError("the parser stops here, and send_400_response is called")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body is there; the application counts it."""
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request has arrived."""
        self._unread = 0
        self._deadline.cancel()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Uvicorn's own answer to what is not HTTP, as a problem document."""
        self._refuse(self._refusal)

    def _too_slow(self) -> None:
        self._refuse(SLOW)

    def _refuse(self, problem: Problem) -> None:
        """Close; before that say why, unless the application is answering."""
        if self._in_head and (self.cycle is None or self.cycle.response_complete):
            self._answer(problem)
        REFUSED.labels(str(problem.status)).inc()
        self.transport.close()

    def _answer(self, problem: Problem) -> None:
        answer = problem.response()
        status = f"HTTP/1.1 {answer.status_code} {problem.document.title}\r\n".encode()
        headers = [*answer.raw_headers, *_RAW, (b"connection", b"close")]
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        self.transport.write(status + lines + b"\r\n" + bytes(answer.body))
