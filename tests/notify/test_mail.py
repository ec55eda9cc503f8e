"""How mails look, whatever people have written."""

from email.message import EmailMessage
from html.parser import HTMLParser
from itertools import product
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as some
from icalendar import Calendar

from services.notify import words
from services.notify.markup import RULE, html
from services.notify.rules import Party, Template, can_be_stopped
from shared.vocabulary import Challenge, Language, Objection, Region
from tests.notify.mails import NOW, PLAIN, SETTINGS, arrived, mail, occasion
from tests.notify.post import body

HEADERS = {"From", "To", "Subject", "Date", "Message-ID", "Content-Type", "MIME-Version"}
OPTIONAL = {"Reply-To", "Cc", "List-Unsubscribe", "List-Unsubscribe-Post", "Content-Transfer-Encoding"}
INJECTION = "An\r\nBcc: thief@example.com\r\n\r\n- and more\n  and\u2028more\x85\x0b"
MARKUP = "<script>alert(1)</script><img src=x onerror='alert(2)'>\"&{{7*7}}{% raw %}"
KINDS = list(product(Template, Language))
TAGS = {"html", "head", "meta", "title", "body", "p", "br", "ul", "li", "a", "h2"}
GREETINGS = {Language.ENGLISH: ("Dear ",), Language.DUTCH: ("Beste ", "Geachte "), Language.CHINESE: ("尊敬的", "您好")}


class Page(HTMLParser):
    """Which tags, attributes and links a page has, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """The parser calls it by this name."""
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        """The parser calls it by this name."""
        self.text += data


def check_headers(arrived: EmailMessage) -> None:
    assert set(arrived.keys()) - OPTIONAL == HEADERS
    assert not [header for header in arrived.values() if "thief" in header and header != arrived["Subject"]]
    assert not arrived.defects


@pytest.mark.parametrize(("template", "language"), KINDS)
def test_every_kind_is_rendered_whole_in_every_language(template: Template, language: Language) -> None:
    made = mail(template, language)
    check_headers(made)
    assert made["Date"].datetime == NOW
    text = body(made)
    assert text.startswith(GREETINGS[language])
    assert f"{SETTINGS.links.portal_url}/" in text
    assert "I2PCC" in text
    assert not [sign for sign in ("{", "}", ": None", "\n\n\n") if sign in text]
    page = Page(body(made, "html"))
    assert set(page.tags) <= TAGS
    assert all(link.startswith(SETTINGS.ours) for link in page.links)
    assert sorted(line for line in text.split("\n") if line.startswith("http")) == sorted(page.links)


@pytest.mark.parametrize(("template", "language"), KINDS)
def test_each_language_has_words_of_its_own(template: Template, language: Language) -> None:
    others = [mail(template, other) for other in Language if other is not language]
    assert mail(template, language)["Subject"] not in [each["Subject"] for each in others]


@pytest.mark.parametrize("written", [INJECTION, MARKUP], ids=["lines", "markup"])
@pytest.mark.parametrize(("template", "language"), KINDS)
def test_what_people_write_breaks_neither_headers_nor_lines_nor_markup(
    template: Template, language: Language, written: str
) -> None:
    made = arrived([occasion(template, language, dict.fromkeys(PLAIN, written))])
    check_headers(made)
    good, page, plain = (
        body(mail(template, language)),
        Page(body(made, "html")),
        Page(body(mail(template, language), "html")),
    )
    assert len(body(made).split("\n")) == len(good.split("\n"))
    assert (page.tags, page.attributes, len(page.links)) == (plain.tags, plain.attributes, len(plain.links))
    assert " ".join(written.split()) in page.text


text = some.text(some.characters(blacklist_characters="\x00", blacklist_categories=["Cs"]), min_size=1, max_size=200)


@given(name=text, title=text)
def test_whatever_people_write_the_headers_and_the_markup_are_ours(name: str, title: str) -> None:
    written = PLAIN | {"asks": name, "offers": name, "need": title, "proposal": title, "place": title}
    for template in (Template.INTRODUCTION, Template.MEETING):
        made = arrived([occasion(template, Language.ENGLISH, written)])
        check_headers(made)
        assert Page(body(made, "html")).tags <= TAGS


def test_a_subject_arrives_as_it_was_written() -> None:
    long = "Membrane treatment of landfill leachate"
    made = arrived([occasion(Template.INTRODUCTION, "en", PLAIN | {"need": "渗滤液" * 60, "proposal": long})])
    assert made["Subject"] == f"Introduction: {'渗滤液' * 60} / {long}"


def test_an_introduction_has_both_parties_the_organisation_the_reasons_and_the_coordinators_in_copy() -> None:
    made = mail(Template.INTRODUCTION)
    text = body(made)
    assert "  高艳玲, 河北生态环境厅\n  gao@example.cn\n  +86 311 000\n" in text
    assert "  An Peeters, R&D 'Schelde' Membranes\n  an@example.org\n\n" in text
    assert "- Who has the need: 河北生态环境厅\n" in text
    assert "- Both under challenge 4: " in text
    assert (made["To"], made["Reply-To"], made["Cc"]) == ("gao@example.cn", "an@example.org", "els@example.org")


def test_a_coordinators_copy_names_those_who_were_introduced() -> None:
    made = mail(Template.INTRODUCTION, party=Party.COORDINATOR)
    assert (made["To"], made["Cc"]) == ("gao@example.cn, an@example.org", "els@example.org")
    assert "You both have" not in body(made)


@pytest.mark.parametrize("template", set(Template) - {Template.INTRODUCTION, Template.MEETING})
@pytest.mark.parametrize("language", Language)
def test_nobodys_details_are_in_any_other_mail(template: Template, language: Language) -> None:
    written = {"asks": "Gao", "offers": "Peeters", "other": "Maes"}
    made = occasion(template, language, PLAIN | written)
    whole = arrived([made]).as_string() + body(arrived([made])) + body(arrived([made]), "html")
    to = getattr(made.to, "name", None)
    assert [name for name in written.values() if name in whole and name != to] == []


@pytest.mark.parametrize("template", Template)
def test_what_can_be_stopped_says_how(template: Template) -> None:
    made = occasion(template, Language.CHINESE, PLAIN)
    headers = arrived([made])
    if not can_be_stopped(template):
        assert headers["List-Unsubscribe"] is None
        assert "/unsubscribe" not in body(headers)
        return
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert made.person
    address = headers["List-Unsubscribe"].strip("<>")
    assert parse_qs(urlsplit(address).query) == {"token": [str(made.person.token)], "language": ["zh"]}
    assert f"\n{address}\n" in body(headers)


def test_a_language_that_is_not_spoken_is_english() -> None:
    made = occasion(Template.PRESENTED, "fr", PLAIN)
    assert body(arrived([made])).startswith("Dear ")


def test_an_invitations_token_is_in_no_part_of_an_address_that_a_server_sees() -> None:
    (link,) = [line for line in body(mail(Template.INVITATION)).split("\n") if "/invitations" in line]
    assert link == f"{SETTINGS.links.portal_url}/invitations#s3cret%2B%2Ftoken"


@pytest.mark.parametrize("part", ["alternative", "file"])
def test_a_meeting_is_read_by_a_calendar(part: str) -> None:
    made = occasion(Template.MEETING, "en", PLAIN)
    parts = [each for each in arrived([made]).walk() if each.get_content_type() == "text/calendar"]
    (found,) = [each for each in parts if each.is_attachment() == (part == "file")]
    assert found.get_param("method") == "REQUEST"
    read = Calendar.from_ical(found.get_content())
    (event,) = read.walk("VEVENT")
    assert (read["METHOD"], event["UID"], event["SEQUENCE"]) == ("REQUEST", f"{made.delivery.match_id}@i2pcc.local", 7)
    assert event["DTSTART"].to_ical() == b"20190305T010000Z"
    assert event["DTEND"].to_ical() == b"20190305T023000Z"
    assert event["ORGANIZER"] == "mailto:noreply@i2pcc.local"
    assert sorted(event["ATTENDEE"]) == ["mailto:an@example.org", "mailto:gao@example.cn"]
    assert sorted(each.params["CN"] for each in event["ATTENDEE"]) == ["An Peeters", "高艳玲"]
    assert event["LOCATION"] == "石家庄"


def test_no_text_adds_to_a_calendar() -> None:
    written = dict.fromkeys(PLAIN, 'x"\r\nATTENDEE:mailto:thief@example.com\r\n;:,\\')
    parts = arrived([occasion(Template.MEETING, "en", written)]).iter_attachments()
    (event,) = Calendar.from_ical(next(parts).get_content()).walk("VEVENT")
    assert sorted(event["ATTENDEE"]) == ["mailto:an@example.org", "mailto:gao@example.cn"]


def test_a_digest_has_a_section_for_each_item_under_the_first_ones_id() -> None:
    items = [occasion(template, "en", PLAIN, held=True) for template in (Template.FOUND, Template.NO_MATCH)]
    made = arrived(items)
    assert made["Message-ID"] == f"<{items[0].delivery.delivery_id}@i2pcc.local>"
    assert made["Subject"] == "I2PCC: 2 items for you"
    for template in (Template.FOUND, Template.NO_MATCH):
        assert f"\n\n{mail(template)['Subject']}\n{RULE}\n\n" in body(made)
    assert body(made).count("Dear ") == body(made).count("/unsubscribe") == 1
    assert Page(body(made, "html")).tags >= {"h2", "ul"}


def test_only_our_own_addresses_become_links() -> None:
    page = html(
        "See https://thief.example/x and https://ours.example/a?b=1&c", "x", Language.ENGLISH, ["https://ours.example"]
    )
    assert Page(page).links == ["https://ours.example/a?b=1&c"]
    assert Page(html("https://ours.example.thief/", "x", Language.ENGLISH, ["https://ours.example"])).links == []


@pytest.mark.parametrize("language", [Language.DUTCH, Language.CHINESE])
def test_every_word_of_the_platform_has_its_translation(language: Language) -> None:
    for challenge in Challenge:
        assert challenge.title not in words.reason(f"Both under challenge {challenge}: {challenge.title}", language)
    for objection in Objection:
        assert words.objection(objection, language) != objection.words
    assert all(words.region(region, Language.CHINESE) != region.title() for region in Region)


@pytest.mark.parametrize(
    ("sentence", "dutch", "chinese"),
    [
        ("The score of 0.2 is below 0.31", "De score van 0.2 ligt onder 0.31", "匹配分数 0.2 低于 0.31"),
        (
            "The texts are very close in meaning (+4.2 deviations from unrelated ones in these languages)",
            "De teksten liggen heel dicht bij elkaar in betekenis",
            "两份文本的含义非常接近",
        ),
        (
            "The texts are not far apart in meaning (-0.3 deviations from unrelated ones in these languages)",
            "De teksten liggen niet ver uit elkaar in betekenis",
            "两份文本的含义较为接近",
        ),
        (
            "The titles are close in meaning (+0.061 against unrelated ones in these languages)",
            "De titels liggen dicht bij elkaar in betekenis",
            "两个标题的含义接近",
        ),
        ("The proposal prefers other regions", "Het voorstel verkiest andere regio's", "该方案倾向于其他地区"),
        (
            "The need asks for technology readiness level 7; the proposal has 5",
            "De vraag wil technologische rijpheid (TRL) 7; het voorstel heeft 5",
            "该需求要求技术成熟度（TRL）达到 7，而该方案为 5",
        ),
        (
            "The need asks for 5000 m³/d; the proposal's scale ends at 200 m³/d",
            "De vraag is 5000 m³/d; de schaal van het voorstel eindigt bij 200 m³/d",
            "该需求要求 5000 m³/d，而该方案的规模上限为 200 m³/d",
        ),
        (
            "The price of at least €2,000,000 is above the budget of CNY 8,000,000 (about €1,030,000)",
            "De prijs van minstens €2.000.000 ligt boven het budget van CNY 8.000.000 (ongeveer €1.030.000)",
            "最低价格 €2,000,000 超出预算 CNY 8,000,000（约合 €1,030,000）",
        ),
        (
            "The price of at least €5,000 is within the budget of €8,000",
            "De prijs van minstens €5.000 past in het budget van €8.000",
            "最低价格 €5,000 在预算 €8,000 之内",
        ),
        ("The need is open until 2027-02-01", "De vraag staat open tot en met 2027-02-01", "该需求开放至 2027-02-01"),
    ],
)
def test_why_nothing_fits_is_told_in_the_readers_language(sentence: str, dutch: str, chinese: str) -> None:
    assert words.reason(sentence, Language.DUTCH) == dutch
    assert words.reason(sentence, Language.CHINESE) == chinese
    assert words.reason(sentence, Language.ENGLISH) == sentence


@pytest.mark.parametrize("sentence", ["The region wants a pilot", "Both under challenge 99: soup", ""])
def test_a_sentence_that_is_not_known_stays_as_it_is(sentence: str) -> None:
    assert words.reason(sentence, Language.CHINESE) == sentence
