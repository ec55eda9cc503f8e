"""The page behind the last link of a mail: whoever has its token may end such mails, without signing in (RFC 8058)."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlmodel import col, update

from services.notify.models import Contact
from shared.http import QueryRoute, Session
from shared.vocabulary import Language

# Not a command: a mail program's click brings no Idempotency-Key, and to do it twice is to have done it.
page = APIRouter(route_class=QueryRoute, include_in_schema=False)
SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
WORDS = {
    Language.ENGLISH: (
        "No more of these mails?",
        "We will write to you only to introduce you to somebody, about a meeting, or when you are invited.",
        "Unsubscribe",
        "Done. We will not send you such mails any more.",
    ),
    Language.DUTCH: (
        "Geen zulke mails meer?",
        "We schrijven u dan alleen nog om u aan iemand voor te stellen, over een afspraak, of als u wordt uitgenodigd.",
        "Uitschrijven",
        "Klaar. U krijgt zulke mails niet meer.",
    ),
    Language.CHINESE: (
        "不再接收此类邮件？",
        "今后我们仅在为您引荐合作方、安排会面或有人邀请您时与您联系。",
        "退订",
        "退订成功，您将不再收到此类邮件。",
    ),
}
_pages = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
)

Token = Annotated[str, Query()]
Spoken = Annotated[str, Query(alias="language")]


@page.get("/unsubscribe")
async def ask(language: Spoken = "en") -> HTMLResponse:
    """Ask first: what looks links up on its own must end nothing. Nor is it told whether there is such a person."""
    return _shown(language, done=False)


@page.post("/unsubscribe")
async def unsubscribe(db: Session, token: Token = "", language: Spoken = "en") -> HTMLResponse:
    """Write no more of what can be stopped. An unknown token has the same answer."""
    if known := _read(token):
        await db.execute(update(Contact).where(col(Contact.token) == known).values(unsubscribed=True))
        await db.commit()
    return _shown(language, done=True)


def _read(token: str) -> UUID | None:
    try:
        return UUID(token)
    except ValueError:
        return None


def _shown(language: str, *, done: bool) -> HTMLResponse:
    known = Language(language) if language in tuple(Language) else Language.ENGLISH
    title, what, button, thanks = WORDS[known]
    values = {"language": known, "title": title, "what": what, "button": button, "thanks": thanks, "done": done}
    return HTMLResponse(_pages.get_template("unsubscribe.html").render(values), headers=SAFE)
