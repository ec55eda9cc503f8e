"""A server with OpenAI's embeddings API: it counts what it is asked for, and answers as it is told to."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Change = Callable[[list[dict[str, Any]]], object]


def vector_of(text: str) -> list[float]:
    """Some vector, always the same for the same text."""
    return [float(byte + 1) for byte in sha256(text.encode()).digest()[:8]]


@dataclass
class Embedder:
    """What it was sent, and what it does next instead of its work."""

    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    refusals: deque[int] = field(default_factory=deque)
    """Statuses of the next answers."""
    change: Change = list
    """What becomes of the rows of an answer."""

    @property
    def texts(self) -> list[str]:
        """All texts so far."""
        return [text for request in self.requests for text in request["input"]]

    @contextmanager
    def listen(self) -> Iterator[str]:
        """Listen on a free port; gives the address that the API begins with."""
        embedder = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                embedder.requests.append(request | {"path": self.path})
                embedder.headers.append(dict(self.headers))
                status = embedder.refusals.popleft() if embedder.refusals else 200
                rows = [{"index": at, "embedding": vector_of(text)} for at, text in enumerate(request["input"])]
                body = json.dumps({"object": "list", "data": embedder.change(rows)} if status == 200 else {}).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}/v1"
            server.shutdown()
