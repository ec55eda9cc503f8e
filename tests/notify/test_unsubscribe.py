"""The link at the end of a mail: whoever has it ends such mails, and nobody learns anything."""

from uuid import uuid4

import httpx
import pytest

from deploy.waiting import until
from services.notify.handlers import keep_contacts
from services.notify.models import Contact
from services.notify.unsubscribe import unsubscribe
from shared.db import Db
from shared.events import ContactErased
from tests.browser import Browser
from tests.facts import received
from tests.notify.parties import person
from tests.tables import superuser
from tests.world import World

PAGES = {"en": "No more of these mails?", "nl": "Geen zulke mails meer?", "zh": "不再接收此类邮件？"}


async def address_in_a_mail(world: World) -> str:
    """Where a mail about the world's match can be stopped."""
    found: list[str] = []

    async def is_there() -> bool:
        mails = (await world.anyone.http.get(f"{world.anyone.platform.urls['mailbox']}/messages")).json()
        mine = [dict(mail["headers"]) for mail in mails if f"/matches/{world.ids['match_id']}" in mail["text"]]
        found.extend(headers["List-Unsubscribe"] for headers in mine if "List-Unsubscribe" in headers)
        return bool(found)

    assert await until(is_there, 60)
    return found[0].strip("<>")


async def unsubscribed(browser: Browser, token: str) -> bool:
    """Whether the person with this token gets no more of such mails."""
    async with superuser(browser.platform) as database:
        query = "select unsubscribed from notify.contact where token = $1"
        return bool(await database.fetchval(query, token))


async def test_a_mail_programs_one_click_ends_such_mails_and_a_look_ends_nothing(world: World) -> None:
    http, address = world.anyone.http, await address_in_a_mail(world)
    token = httpx.URL(address).params["token"]
    assert address.startswith(world.anyone.platform.urls["notify"])
    assert '<form method="post">' in (await http.get(address)).text
    assert not await unsubscribed(world.anyone, token)
    done = await http.post(address, data={"List-Unsubscribe": "One-Click"})
    assert done.status_code == 200
    assert "<form" not in done.text
    assert await unsubscribed(world.anyone, token)
    logs = world.anyone.platform.processes.logs.glob("*.log")
    assert not [log.name for log in logs if token.encode() in log.read_bytes()]


@pytest.mark.parametrize("token", [str(uuid4()), "", "x", "'; drop table contact", "\x00", "9" * 5_000])
async def test_an_unknown_token_gets_the_same_answer(world: World, token: str) -> None:
    url = await address_in_a_mail(world)
    for method in ("GET", "POST"):
        known = await world.anyone.http.request(method, url)
        unknown = await world.anyone.http.request(method, httpx.URL(url).copy_set_param("token", token))
        assert (unknown.status_code, unknown.text) == (known.status_code, known.text)


async def test_what_is_no_token_touches_nobody(db: Db) -> None:
    """An erased person has none either."""
    someone = person("An Peeters")
    await keep_contacts([someone, received(ContactErased, contact_id=someone.contact_id)], db)
    await unsubscribe(db, "x")
    assert not (await db.get_one(Contact, someone.contact_id)).unsubscribed


@pytest.mark.parametrize(("language", "title"), PAGES.items())
async def test_the_page_speaks_the_language_of_the_mail(operator: Browser, language: str, title: str) -> None:
    page = await operator.http.get(f"{operator.platform.urls['notify']}/unsubscribe?language={language}")
    assert f"<h1>{title}</h1>" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert "form-action 'self'" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "no-referrer"


async def test_a_language_that_is_not_spoken_is_english(operator: Browser) -> None:
    url = f"{operator.platform.urls['notify']}/unsubscribe"
    page = await operator.http.get(url, params={"language": "<script>"})
    assert f"<h1>{PAGES['en']}</h1>" in page.text
    assert "<script" not in page.text
