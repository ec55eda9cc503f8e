"""A real SMTP server that may refuse, or hang up."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from typing import Literal

from aiosmtpd.smtp import SMTP, Envelope, Session


def body(mail: EmailMessage, kind: Literal["plain", "html"] = "plain") -> str:
    """What one reads."""
    part = mail.get_body((kind,))
    assert part
    return str(part.get_content()).replace("\r\n", "\n")


class PostOffice:
    """Takes mail; before that it gives each of `answers` once instead of taking one."""

    HANG_UP = "421 Goodbye"

    def __init__(self) -> None:
        self.answers: list[str] = []
        self.refused: dict[str, str] = {}
        """What is answered to whoever names this recipient."""
        self.seen: list[tuple[str, EmailMessage]] = []
        """Every mail that was handed over, taken or not, with its recipient."""
        self.taken: dict[str, EmailMessage] = {}
        """What was taken, by recipient."""

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """aiosmtpd calls it by this name."""
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """aiosmtpd calls it by this name."""
        message = email.message_from_bytes(envelope.original_content or b"", policy=email.policy.default)
        (to,) = envelope.rcpt_tos
        self.seen.append((to, message))
        answer = self.answers.pop(0) if self.answers else "250 Taken"
        if answer == self.HANG_UP:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        if answer.startswith("250"):
            self.taken[to] = message
        return answer

    @asynccontextmanager
    async def open(self) -> AsyncIterator[int]:
        """Listen on a free port."""
        server = await asyncio.get_running_loop().create_server(lambda: SMTP(self), "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            await server.wait_closed()
