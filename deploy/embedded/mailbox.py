"""Catches all mail instead of sending it, and shows it on a page, so that one sees what people would get."""

import asyncio
import email
import email.policy
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from mailbox import Maildir
from pathlib import Path
from typing import Literal, cast
from urllib.parse import quote

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session
from jinja2 import Environment, PackageLoader
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from deploy.settings import Settings, read
from shared.server import SafeHeaders

MAX_BYTES = 1_048_576
SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
}
PAGES = Environment(loader=PackageLoader("deploy.embedded"), autoescape=True)


@dataclass(frozen=True)
class Mail:
    """A caught message as the page and tests see it."""

    id: str
    to: str
    """The envelope's recipients, comma separated."""
    from_: str
    subject: str
    message_id: str
    date: str
    text: str
    html: str
    headers: tuple[tuple[str, str], ...]
    attachments: tuple[str, ...]
    """File names, in the mail's order."""


class Box:
    """Caught mail, a file a message, in the order it came."""

    def __init__(self, folder: Path) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        self._maildir = Maildir(folder)
        self._read: dict[str, Mail] = {}

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep what an SMTP client hands over; aiosmtpd calls it by this name."""
        content = envelope.original_content or b""
        recipients = ", ".join(envelope.rcpt_tos).encode()
        self._maildir.add(b"Delivered-To: " + recipients + b"\r\n" + content)
        return "250 Kept"

    def newest_first(self) -> Iterator[Mail]:
        """All mail."""
        for key in sorted(self._maildir.keys(), key=_age, reverse=True):
            yield self.read(key)

    def read(self, key: str) -> Mail:
        """One mail.

        Raises:
            KeyError: there is none.
        """
        if key not in self._read:
            self._read[key] = _mail(key, self._message(key))
        return self._read[key]

    def attachment(self, key: str, number: int) -> bytes:
        """The content of one of a mail's attachments, by its place, from 0.

        Raises:
            LookupError: there is none.
        """
        return cast(bytes, list(self._message(key).iter_attachments())[number].get_payload(decode=True))

    def _message(self, key: str) -> EmailMessage:
        return email.message_from_bytes(self._maildir.get_bytes(key), policy=email.policy.default)


def _age(key: str) -> tuple[int, int]:
    """When a Maildir file was made, to the microsecond: `seconds.MmicrosecondsPpid…`."""
    seconds, rest = key.split(".")[:2]
    return int(seconds), int(rest.partition("P")[0].removeprefix("M"))


def _mail(key: str, message: EmailMessage) -> Mail:
    headers = tuple((name, str(value)) for name, value in message.items())
    return Mail(
        id=key,
        to=str(message["Delivered-To"] or ""),
        from_=str(message["From"] or ""),
        subject=str(message["Subject"] or ""),
        message_id=str(message["Message-ID"] or ""),
        date=str(message["Date"] or ""),
        text=_body(message, "plain") or _body(message, "html"),
        html=_body(message, "html"),
        headers=headers,
        attachments=tuple(part.get_filename("attachment") for part in message.iter_attachments()),
    )


def _body(message: EmailMessage, kind: Literal["plain", "html"]) -> str:
    body = message.get_body((kind,))
    return str(body.get_content()) if body else ""


def web(box: Box) -> Starlette:
    """The page over the mail: an inbox, a message, and the same as JSON."""

    async def inbox(_: Request) -> Response:
        people: dict[str, list[Mail]] = {}
        for mail in box.newest_first():
            for address in mail.to.split(", "):
                people.setdefault(address, []).append(mail)
        return _page("inbox.html", people=sorted(people.items()))

    async def message(request: Request) -> Response:
        try:
            return _page("message.html", mail=box.read(request.path_params["id"]))
        except KeyError as error:
            raise HTTPException(404, "There is no such message.") from error

    async def attachment(request: Request) -> Response:
        key, number = request.path_params["id"], request.path_params["number"]
        try:
            name, content = box.read(key).attachments[number], box.attachment(key, number)
        except LookupError as error:
            raise HTTPException(404, "There is no such attachment.") from error
        return Response(content, headers=SAFE | {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"})

    async def messages(_: Request) -> Response:
        return JSONResponse([_json(mail) for mail in box.newest_first()])

    async def ready(_: Request) -> Response:
        return PlainTextResponse("ready")

    routes = {"/": inbox, "/messages": messages, "/messages/{id}": message, "/health/ready": ready}
    routes["/messages/{id}/{number:int}"] = attachment
    return Starlette(routes=[Route(path, endpoint) for path, endpoint in routes.items()])


def _page(template: str, **values: object) -> Response:
    return HTMLResponse(PAGES.get_template(template).render(values), headers=SAFE)


def _json(mail: Mail) -> dict[str, object]:
    values = asdict(mail)
    return {"from": values.pop("from_"), **values}


async def serve(settings: Settings) -> None:
    """Run both servers until told to stop."""
    box = Box(settings.state / "mail")
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(
        lambda: SMTP(box, data_size_limit=MAX_BYTES, enable_SMTPUTF8=True, hostname="mailbox.i2pcc.local", loop=loop),
        settings.http_host,
        settings.mail_port,
    )
    config = uvicorn.Config(
        SafeHeaders(web(box)),
        host=settings.http_host,
        port=settings.mailbox_port,
        log_level="warning",
        lifespan="off",
        server_header=False,
    )
    async with smtp:
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(serve(read(Settings)))
