"""The issuer's public keys: fetched by URL, kept, and fetched again when they have aged or a token names another."""

import asyncio
import json
import logging
import ssl
import time
from dataclasses import dataclass

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

log = logging.getLogger(__name__)

AGE = 300.0
"""Seconds after which the keys are fetched again."""
PAUSE = 5.0
"""Seconds between two fetches that tokens ask for, or that fail: a flood of forged tokens is no flood of fetches."""
PATIENCE = 5.0
"""Seconds that a fetch may take in all."""
MOST = 65_536
"""Bytes of a key set; an issuer has a few keys of some hundred bytes."""


@dataclass(frozen=True, eq=False)
class Held:
    """A key set as it was fetched. Two are never equal: what one of them vouches for is another's to check anew."""

    keys: KeySet
    text: bytes


class Keys:
    """The key set of one issuer. If the issuer is away, the keys that are held go on being believed."""

    def __init__(self, url: str) -> None:
        self._url = url
        # To load the authorities takes longer than all else here, and plain HTTP has no use for them.
        self._trusted = ssl.create_default_context() if url.startswith("https:") else False
        self._held: Held | None = None
        self._fetched = float("-inf")
        self._turn = asyncio.Lock()

    @property
    def held(self) -> Held | None:
        """The keys of the last fetch; the same object until the issuer publishes others. None before the first."""
        return self._held

    async def run(self) -> None:
        """Keep them fresh, for ever."""
        while True:
            async with self._turn:
                fetched = await self._fetch()
            await asyncio.sleep(AGE if fetched else PAUSE)

    async def renewed(self) -> Held | None:
        """The keys, fetched again unless that was just done; callers at the same time share one fetch."""
        async with self._turn:
            if time.monotonic() - self._fetched >= PAUSE:
                await self._fetch()
        return self._held

    async def _fetch(self) -> bool:
        """Whether the issuer answered with a key set; if not, what is held stays."""
        try:
            async with asyncio.timeout(PATIENCE):
                text = await self._download()
            if self._held is None or text != self._held.text:
                self._held = Held(KeySet.import_key_set(json.loads(text)), text)
        except (httpx.HTTPError, OSError, JoseError, ValueError, TypeError, KeyError) as error:
            log.warning("The issuer's keys could not be fetched: %s", _reason(error))
            return False
        finally:
            self._fetched = time.monotonic()
        return True

    async def _download(self) -> bytes:
        """Straight from the issuer: no proxy, no redirect, nothing to unpack, no more than a key set holds."""
        body = b""
        async with (
            httpx.AsyncClient(verify=self._trusted, follow_redirects=False, trust_env=False, timeout=PATIENCE) as http,
            http.stream("GET", self._url, headers={"Accept-Encoding": "identity"}) as answer,
        ):
            if answer.status_code != 200:
                raise ValueError(f"the answer was {answer.status_code}, not 200")
            async for part in answer.aiter_raw():
                body += part
                if len(body) > MOST:
                    raise ValueError(f"the answer has more than {MOST} bytes")
        return body


def _reason(error: Exception) -> str:
    """Our own words, or else the kind of error: another's words could hold the address with what is in it."""
    return str(error) if type(error) is ValueError else type(error).__name__
