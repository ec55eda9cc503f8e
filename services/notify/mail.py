"""Mails: rendered from rows at the moment they are sent, so that no queue holds anybody's address."""

from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.notify.models import Contact, Delivery, MatchCopy, NeedCopy, ProposalCopy
from services.notify.rules import Template
from shared.settings import Mail

TIMEOUT = 10.0
"""Seconds; the delivery's row is locked meanwhile."""

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    autoescape=False,  # plain text
    # What people wrote stays on its line: it can start no header, and end none.
    finalize=lambda value: " ".join(value.split()) if isinstance(value, str) else value,
    keep_trailing_newline=True,
)


def render(
    delivery: Delivery,
    match: MatchCopy,
    need: NeedCopy,
    proposal: ProposalCopy,
    to: Contact,
    other: Contact,
    settings: Mail,
) -> EmailMessage:
    """The mail of a delivery. Its Message-ID is the delivery's, however often it is sent."""
    text = _templates.get_template(f"{delivery.template}.txt").render(
        match=match, need=need, proposal=proposal, to=to, other=other
    )
    subject, _, body = text.partition("\n\n")
    message = EmailMessage()
    message["From"] = settings.sender
    message["To"] = str(to.mail)
    message["Subject"] = subject.removeprefix("Subject: ")
    message["Message-ID"] = f"<{delivery.delivery_id}@i2pcc.local>"
    if delivery.template == Template.INTRODUCTION:
        message["Reply-To"] = str(other.mail)
    message.set_content(body)
    return message


async def send(message: EmailMessage, settings: Mail) -> None:
    """Hand a mail to the SMTP server.

    Raises:
        aiosmtplib.SMTPException, OSError: it was not taken.
    """
    await aiosmtplib.send(message, hostname=settings.host, port=settings.port, timeout=TIMEOUT)
