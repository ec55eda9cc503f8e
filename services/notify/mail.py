"""Mails: rendered from rows at the moment they are sent, so that no queue holds anybody's address."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiosmtplib
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2 import Template as Text

from services.notify import calendar, markup, words
from services.notify.headers import POLICY
from services.notify.models import Contact, Invitation
from services.notify.occasions import Occasion
from services.notify.rules import Template, can_be_stopped, is_final
from shared.events import Meeting
from shared.settings import Links, Mail
from shared.vocabulary import Language

TIMEOUT = 10.0
"""Seconds; the delivery's row is locked meanwhile."""
BEIJING = timedelta(hours=8)
UNSEEN = ("Cc", "Cf")
"""What a line may not hold: control characters, and those that turn the direction of what follows."""


def line(value: object) -> object:
    """What people wrote stays on its line and reads as it stands: it can start no header and no paragraph."""
    if not isinstance(value, str):
        return value
    return "".join(each for each in " ".join(value.split()) if unicodedata.category(each) not in UNSEEN)


_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    autoescape=False,  # plain text; its HTML is made, and escaped, by markup.html
    finalize=line,
    trim_blocks=True,
    lstrip_blocks=False,
)


@dataclass(frozen=True)
class Settings:
    """Through which server, and where the links lead to."""

    mail: Mail
    links: Links

    @classmethod
    def read(cls) -> "Settings":
        """From the environment."""
        return cls(Mail(), Links())

    @property
    def ours(self) -> tuple[str, str]:
        """What our own links begin with."""
        return self.links.portal_url, self.links.notify_url


def compose(occasions: Sequence[Occasion], settings: Settings) -> EmailMessage:
    """The mail that tells of all this: of one occasion, or a digest.

    Its Message-ID is the first delivery's, however often it is sent.
    """
    first = occasions[0]
    language = _language(first.to)
    subject, body = _digest(occasions, settings) if first.delivery.held else _alone(first, settings)
    stop = _unsubscribe(first, settings)
    text = "\n\n".join([_frame(language, "greeting", first.to), body, _frame(language, "closing", first.to, stop)])
    message = _envelope(first, subject, stop, settings)
    message.set_content(text + "\n")
    message.add_alternative(markup.html(text, subject, language, settings.ours), subtype="html")
    if first.template is Template.MEETING:
        _add_calendar(message, first, subject, settings)
    return message


def _envelope(first: Occasion, subject: str, stop: str | None, settings: Settings) -> EmailMessage:
    message = EmailMessage(POLICY)
    message["From"] = settings.mail.sender
    message["To"] = str(first.to.mail)
    message["Subject"] = subject
    message["Date"] = first.now
    message["Message-ID"] = f"<{first.delivery.delivery_id}@i2pcc.local>"
    if stop:
        message["List-Unsubscribe"] = f"<{stop}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if first.template is Template.INTRODUCTION:
        _introduce(message, first)
    return message


def _introduce(message: EmailMessage, occasion: Occasion) -> None:
    """Who is answered, and who has a copy: a coordinator's own shows to whom the introduction went."""
    if not occasion.is_partys:
        del message["To"]
        message["To"] = ", ".join(str(each.mail) for each in occasion.parties)
    message["Reply-To"] = ", ".join(str(each.mail) for each in occasion.others)
    if copies := occasion.more["copies"]:
        message["Cc"] = ", ".join(str(each.mail) for each in copies)


def _alone(occasion: Occasion, settings: Settings) -> tuple[str, str]:
    language = _language(occasion.to)
    template = _template(occasion.template, language)
    values = _values(occasion, language, settings)
    return _rendered(template, "subject", values), _rendered(template, "body", values)


def _digest(occasions: Sequence[Occasion], settings: Settings) -> tuple[str, str]:
    first = occasions[0]
    language = _language(first.to)
    parts = [_alone(each, settings) for each in occasions]
    sections = [f"{subject}\n{markup.RULE}\n\n{body}" for subject, body in parts]
    subject = _frame(language, "subject", first.to, count=len(parts))
    return subject, "\n\n".join([_frame(language, "opening", first.to), *sections])


def _frame(language: Language, block: str, to: Contact | Invitation, stop: str | None = None, count: int = 1) -> str:
    name = to.name if isinstance(to, Contact) else None
    values = {"name": name, "unsubscribe": stop, "count": count}
    return _rendered(_template("frame", language), block, values)


def _template(kind: str, language: Language) -> Text:
    return _templates.select_template([f"{kind}.{each}.txt" for each in (language, Language.ENGLISH)])


def _rendered(template: Text, block: str, values: dict[str, Any]) -> str:
    text = "".join(template.blocks[block](template.new_context(values)))
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n")


def _values(occasion: Occasion, language: Language, settings: Settings) -> dict[str, Any]:
    """What a template may name."""
    values = vars(occasion) | occasion.more | words.spoken(language)
    values |= {"portal": settings.links.portal_url, "parties": occasion.parties, "others": occasion.others}
    if occasion.template is Template.MEETING:
        meeting = _meeting(occasion)
        beijing = (meeting.starts + BEIJING).strftime("%H:%M")
        values |= {"meeting": meeting, "starts": meeting.starts, "beijing": beijing}
    if isinstance(occasion.to, Invitation):
        values |= _invited(occasion.to, settings)
    return values


def _invited(to: Invitation, settings: Settings) -> dict[str, Any]:
    # After the #, so that it is in no server's log.
    link = f"{settings.links.portal_url}/invitations#{quote(str(to.token), safe='')}"
    return {"lead": to.lead, "consortium": to.consortium, "part_title": to.part, "link": link, "expires": to.expires_at}


def _meeting(occasion: Occasion) -> Meeting:
    meeting = Meeting.model_validate(occasion.more["meeting"].meeting)
    return meeting.model_copy(update={"starts": meeting.starts.astimezone(UTC)})


def _add_calendar(message: EmailMessage, occasion: Occasion, subject: str, settings: Settings) -> None:
    """Beside the text, where a mail program looks for an invitation, and as a file, for all others."""
    copy = occasion.more["meeting"]
    present = [each for each in occasion.parties if not each.erased]
    people = {str(each.mail): str(line(each.name)).replace('"', "'") for each in present}
    meeting = _meeting(occasion)
    meeting = meeting.model_copy(update={"place": meeting.place and line(meeting.place)})
    sender = settings.mail.sender
    file = calendar.invitation((copy.match_id, copy.version), meeting, subject, sender, people, occasion.now)
    method = {"method": "REQUEST"}
    message.add_alternative(file, subtype="calendar", params=method)
    message.add_attachment(file, subtype="calendar", filename="meeting.ics", params=method)


def _unsubscribe(occasion: Occasion, settings: Settings) -> str | None:
    """The address at which the person may end such mails. It names the language: the page looks nothing up."""
    if occasion.person is None or not can_be_stopped(occasion.template):
        return None
    query = f"token={occasion.person.token}&language={_language(occasion.to)}"
    return f"{settings.links.notify_url}/unsubscribe?{query}"


def _language(to: Contact | Invitation) -> Language:
    known = {str(each): each for each in Language}
    return known.get(to.language or "", Language.ENGLISH)


class Refused(Exception):
    """The mail server will never take mail for this address."""


async def send(message: EmailMessage, to: str, settings: Mail) -> None:
    """Hand a mail to the SMTP server, for one recipient, whomever its headers name.

    Raises:
        Refused: the address was refused for good.
        aiosmtplib.SMTPException, OSError: it was not taken.
    """
    try:
        await aiosmtplib.send(message, recipients=[to], hostname=settings.host, port=settings.port, timeout=TIMEOUT)
    except aiosmtplib.SMTPRecipientsRefused as error:
        if any(is_final(each.code, each.message) for each in error.recipients):
            raise Refused from None
        raise
