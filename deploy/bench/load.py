"""An HTTP load generator that costs little: on two cores a heavier one would measure itself."""

import asyncio
import time
from collections.abc import Mapping
from itertools import count
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import orjson

from deploy.problems import Problem


def request(path: str, body: Any, headers: Mapping[str, str]) -> bytes:
    """A POST, but for its Idempotency-Key."""
    content = orjson.dumps(body)
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(content)}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "Idempotency-Key: {key}", "", ""]).encode() + content


async def load(url: str, requests: list[bytes], connections: int, seconds: float) -> float:
    """Send these requests over and over, each with an Idempotency-Key of its own.

    Returns:
        Answers a second; each is a 201.
    """
    place = urlsplit(url)
    numbers = count()
    end = time.perf_counter() + seconds

    async def sender() -> int:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        answers = 0
        while time.perf_counter() < end:
            raw = requests[next(numbers) % len(requests)]
            writer.write(raw.replace(b"{key}", uuid4().hex.encode(), 1))
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 201"):
                raise Problem(f"An answer was not 201: {head.decode()}")
            length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            await reader.readexactly(length)
            answers += 1
        writer.close()
        return answers

    start = time.perf_counter()
    answers = await asyncio.gather(*(sender() for _ in range(connections)))
    return sum(answers) / (time.perf_counter() - start)
