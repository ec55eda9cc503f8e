"""An issuer in a test's hands: it signs what it is told to, and answers what it is told to when asked for its keys."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

from shared.settings import Auth


def a_key(kid: str) -> ECKey:
    """A new key for ES256."""
    return ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256", "kid": kid}, auto_kid=False)


@dataclass(frozen=True)
class Issuer:
    """Whose tokens are believed, and what it signs them with."""

    url: str
    key: ECKey

    def token(self, header: dict[str, Any] | None = None, *, key: ECKey | None = None, **changes: Any) -> str:
        """An operator's token with other claims (None leaves one out), another header, or by another key."""
        now, key = int(time.time()), key or self.key
        claims = {"iss": self.url, "aud": "i2pcc", "sub": "x", "iat": now, "exp": now + 60, "role": "operator"}
        claims = {name: value for name, value in (claims | changes).items() if value is not None}
        return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": key.kid} | (header or {}), claims, key)


def published(*keys: ECKey) -> bytes:
    """A key set as an issuer publishes it."""
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]}).encode()


@dataclass
class Publisher:
    """An HTTP server at an issuer's address; what it answers can be changed, and it counts how often it was asked."""

    port: int
    body: bytes
    status: str = "200 OK"
    headers: tuple[str, ...] = ()
    asked: int = 0
    silent: asyncio.Event = field(default_factory=asyncio.Event)
    """Once cleared, it answers nothing until it is set again."""

    @property
    def settings(self) -> Auth:
        """What a service is told of it."""
        return Auth.model_validate({"issuer": self.url, "jwks_url": f"{self.url}/jwks"})

    @property
    def url(self) -> str:
        """The issuer's address."""
        return f"http://127.0.0.1:{self.port}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        await self.silent.wait()
        head = [f"HTTP/1.1 {self.status}", f"Content-Length: {len(self.body)}", "Connection: close", *self.headers]
        writer.write("\r\n".join([*head, "", ""]).encode() + self.body)
        writer.close()


@asynccontextmanager
async def publishing(port: int, *keys: ECKey) -> AsyncIterator[Publisher]:
    """An issuer that publishes these keys meanwhile."""
    made = Publisher(port, published(*keys))
    made.silent.set()
    async with await asyncio.start_server(made.answer, "127.0.0.1", port):
        yield made
