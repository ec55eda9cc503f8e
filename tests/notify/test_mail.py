"""How mails look, whatever people have written."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.notify.mail import render
from services.notify.models import Contact, Delivery, MatchCopy, NeedCopy, ProposalCopy
from services.notify.rules import Party, Template
from shared.settings import Mail
from tests.notify.post import body

HEADERS = {"From", "To", "Subject", "Message-ID", "Content-Type", "Content-Transfer-Encoding", "MIME-Version"}
INJECTION = "An\r\nBcc: thief@example.com\r\n\r\nand more"


def contact(name: str = "An Peeters", organisation: str = "Schelde Membranes", phone: str | None = None) -> Contact:
    """Somebody."""
    return Contact(
        contact_id=uuid4(),
        version=1,
        organisation=organisation,
        name=name,
        mail="an@example.org",
        phone=phone,
        language="nl",
    )


def mail(
    template: Template, to: Contact, other: Contact, need: str = "渗滤液", proposal: str = "Leachate"
) -> EmailMessage:
    """The mail, as it arrives."""
    ids = {"need_id": uuid4(), "proposal_id": uuid4(), "match_id": uuid4()}
    facts = {"region": "hebei", "provinces": ["limburg"], "challenges": [4], "score": 0.819}
    match = MatchCopy(**ids, **facts, version=2, state="presented", reasons=["Both & close"])
    made = render(
        Delivery(delivery_id=uuid4(), match_id=ids["match_id"], template=template, party=Party.NEED, state="queued"),
        match,
        NeedCopy(need_id=ids["need_id"], version=1, title=need, contact_id=uuid4()),
        ProposalCopy(proposal_id=ids["proposal_id"], version=1, title=proposal, contact_id=uuid4()),
        to,
        other,
        Mail(),
    )
    arrived = message_from_bytes(made.as_bytes(policy=policy.SMTP), policy=policy.default)
    assert isinstance(arrived, EmailMessage)
    return arrived


@pytest.mark.parametrize("template", Template)
def test_every_kind_is_rendered_whole(template: Template) -> None:
    arrived = mail(template, contact(), contact("王 <b>&amp;</b>"))
    assert arrived["To"] == "an@example.org"
    assert arrived["Message-ID"].endswith("@i2pcc.local>")
    assert "渗滤液" in arrived["Subject"]
    text = body(arrived)
    assert text.startswith("Dear An Peeters,\n")
    assert "  - Both & close\n" in text
    assert "0.82" in text
    assert "{" not in text


def test_plain_text_is_not_escaped_as_html() -> None:
    text = body(mail(Template.INTRODUCTION, contact(), contact("王 <b>&amp;</b>", "R&D 'Oost'", "+86 311 000")))
    assert "  王 <b>&amp;</b>, R&D 'Oost'\n  an@example.org\n  +86 311 000\n" in text


def test_a_contact_without_a_phone_leaves_no_gap() -> None:
    text = body(mail(Template.INTRODUCTION, contact(), contact()))
    assert "  an@example.org\n\nWhat brought you together" in text


@pytest.mark.parametrize("template", Template)
def test_a_line_break_in_what_people_wrote_breaks_neither_headers_nor_lines(template: Template) -> None:
    person = contact(INJECTION, INJECTION)
    arrived = mail(template, person, person, INJECTION, INJECTION)
    assert set(arrived.keys()) - {"Reply-To"} == HEADERS
    assert "An Bcc: thief@example.com and more" in arrived["Subject"]
    assert body(arrived).startswith("Dear An Bcc: thief@example.com and more,\n")


text = some.text(some.characters(blacklist_characters="\x00", blacklist_categories=["Cs"]), min_size=1, max_size=200)


@given(name=text, title=text)
def test_whatever_people_write_the_headers_are_ours(name: str, title: str) -> None:
    arrived = mail(Template.INTRODUCTION, contact(name), contact(name), title, title)
    assert set(arrived.keys()) == HEADERS | {"Reply-To"}
