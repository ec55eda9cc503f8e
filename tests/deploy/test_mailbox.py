"""Mail is caught and shown: as text, and what is HTML in a frame that can do nothing."""

from email.message import EmailMessage

import aiosmtplib
import httpx

from deploy.embedded.platform import Platform


async def send(platform: Platform, subject: str, text: str) -> str:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "i2pcc@example.org", "li.wei@example.org", subject
    message["Message-ID"] = f"<{subject.encode().hex()}@example.org>"
    message.set_content(text)
    await aiosmtplib.send(message, hostname="127.0.0.1", port=platform.settings.mail_port)
    return str(message["Message-ID"])


async def test_mail_is_caught_and_listed(platform: Platform) -> None:
    message_id = await send(platform, "匹配", "您好")
    async with httpx.AsyncClient(base_url=platform.urls["mailbox"]) as client:
        mails = (await client.get("/messages")).json()
    (mail,) = [mail for mail in mails if mail["message_id"] == message_id]
    assert (mail["to"], mail["from"], mail["subject"]) == ("li.wei@example.org", "i2pcc@example.org", "匹配")
    assert mail["text"].strip() == "您好"


async def test_markup_in_a_mail_is_shown_not_run(platform: Platform) -> None:
    await send(platform, "<b>subject", "<script>alert(1)</script>")
    async with httpx.AsyncClient(base_url=platform.urls["mailbox"]) as client:
        sent = next(mail for mail in (await client.get("/messages")).json() if mail["subject"] == "<b>subject")
        page = await client.get(f"/messages/{sent['id']}")
        inbox = await client.get("/")
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "<b>" not in inbox.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline'; base-uri")
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "server" not in page.headers


async def test_a_message_that_is_not_there_is_a_404(platform: Platform) -> None:
    async with httpx.AsyncClient(base_url=platform.urls["mailbox"]) as client:
        assert (await client.get("/messages/nothing")).status_code == 404


async def test_html_is_framed_and_an_attachment_can_be_had(platform: Platform) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "i2pcc@example.org", "li.wei@example.org", "framed"
    message.set_content("plain")
    message.add_alternative('<p class="x">rich<script>alert(1)</script></p>', subtype="html")
    message.add_attachment(b"BEGIN:VCALENDAR", maintype="text", subtype="calendar", filename="会议.ics")
    await aiosmtplib.send(message, hostname="127.0.0.1", port=platform.settings.mail_port)
    async with httpx.AsyncClient(base_url=platform.urls["mailbox"]) as client:
        newest = (await client.get("/messages")).json()[0]
        page = await client.get(f"/messages/{newest['id']}")
        attached = await client.get(f"/messages/{newest['id']}/0")
        assert (await client.get(f"/messages/{newest['id']}/1")).status_code == 404
    assert (newest["text"].strip(), newest["attachments"]) == ("plain", ["会议.ics"])
    assert 'sandbox="allow-popups" srcdoc="&lt;p class=&#34;x&#34;&gt;rich' in page.text
    assert "<script>" not in page.text
    assert attached.content == b"BEGIN:VCALENDAR"
    assert attached.headers["content-disposition"].startswith("attachment;")
