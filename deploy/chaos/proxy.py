"""A stranger on the way to a server: it is slow, cuts connections, and goes silent."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from deploy.settings import LOOPBACK

CHUNK = 65_536


class Proxy:
    """Passes what comes to one port on to another, as badly as it is told to."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.latency = 0.0
        """Seconds that each piece is held, either way."""
        self.passed = 0
        """Pieces so far."""
        self.cut = 0
        """Connections that were cut."""
        self._open = asyncio.Event()
        self._open.set()
        self._writers: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator[int]:
        """Listen on this port, or on one that is free; gives its number."""
        server = await asyncio.start_server(self._accept, LOOPBACK, port)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            self.resume()
            server.close()
            self.reset(len(self._writers))
            await server.wait_closed()

    def silence(self) -> None:
        """Pass nothing on, and close nothing: whoever waits runs into a time-out."""
        self._open.clear()

    def resume(self) -> None:
        """Pass on what was held."""
        self._open.set()

    def reset(self, most: int, dice: random.Random | None = None) -> None:
        """Cut some connections, without a word of farewell."""
        chosen = sorted(self._writers, key=id)
        for writer in dice.sample(chosen, min(most, len(chosen))) if dice else chosen[:most]:
            writer.transport.abort()
            self.cut += 1

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self.target)
            await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer))
        writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while piece := await reader.read(CHUNK):
                await self._open.wait()
                if self.latency:
                    await asyncio.sleep(self.latency)
                writer.write(piece)
                await writer.drain()
                self.passed += 1
        except OSError:
            pass  # cut, here or on the other side
        finally:
            self._writers.discard(writer)
            writer.close()
