"""One occasion of each kind, with the same text wherever people write any, and the mail as it arrives."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

from services.notify.mail import Settings, compose
from services.notify.models import (
    ConsortiumCopy,
    Contact,
    Delivery,
    Invitation,
    MatchCopy,
    MeetingCopy,
    NeedCopy,
    ProposalCopy,
    Refusal,
    SuggestionCopy,
)
from services.notify.occasions import Occasion
from services.notify.rules import Party, Template
from shared.settings import Links, Mail
from shared.vocabulary import Language

NOW = datetime(2019, 3, 1, 9, 30, tzinfo=UTC)
SETTINGS = Settings(Mail(), Links())
REASONS = [
    "Both under challenge 4: reduced water use and treatment of industrial water",
    "The texts are very close in meaning (+4.6 deviations from unrelated ones in these languages)",
]
PARTIES = {
    Template.FOUND: Party.PROPOSAL,
    Template.DECLINED: Party.PROPOSAL,
    Template.EXPIRED: Party.PROPOSAL,
    Template.NO_MATCH: Party.PROPOSAL,
    Template.TO_SHORTLIST: Party.COORDINATOR,
    Template.ESCALATED: Party.COORDINATOR,
    Template.INVITATION: Party.INVITED,
    Template.PART_ASKED: Party.MEMBER,
    Template.PART_ANSWERED: Party.LEAD,
    Template.SUGGESTED: Party.MEMBER,
}


def contact(language: str, name: str, organisation: str, **fields: Any) -> Contact:
    """Somebody."""
    known = {"mail": "an@example.org", "phone": None, "token": uuid4()} | fields
    return Contact(contact_id=uuid4(), version=1, organisation=organisation, name=name, language=language, **known)


def occasion(
    template: Template, language: str, written: dict[str, str], *, party: Party | None = None, held: bool = False
) -> Occasion:
    """Why such a mail is sent. `written` has what people have written, by field."""
    party = party or PARTIES.get(template, Party.NEED)
    asks = contact(language, written["asks"], written["organisation"], mail="gao@example.cn", phone="+86 311 000")
    offers = contact(language, written["offers"], written["company"])
    other = contact(language, written["other"], written["company"], mail="els@example.org")
    need = NeedCopy(
        need_id=uuid4(),
        version=1,
        title=written["need"],
        contact_id=asks.contact_id,
        organisation=written["organisation"],
    )
    proposal = ProposalCopy(proposal_id=uuid4(), version=1, title=written["proposal"], contact_id=offers.contact_id)
    ids = {"match_id": uuid4(), "need_id": need.need_id, "proposal_id": proposal.proposal_id, "part_id": uuid4()}
    match = MatchCopy(
        **ids,
        version=4,
        state="presented",
        region="hebei",
        provinces=["limburg"],
        challenges=[4],
        score=0.819,
        reasons=REASONS,
        objection="not_mature",
        answer_by=date(2019, 4, 30),
    )
    delivery = Delivery(
        delivery_id=uuid4(),
        template=template,
        party=party,
        state="queued",
        held=held,
        contact_id=other.contact_id,
        **ids,
    )
    made = Occasion(NOW, delivery, {Party.NEED: asks, Party.PROPOSAL: offers}.get(party, other))
    if template in (Template.PART_ASKED, Template.PART_ANSWERED):
        made.consortium = _consortium(delivery, written)
    elif template is Template.SUGGESTED:
        made.need, made.suggestion = need, _suggestion(need)
    elif template is Template.INVITATION:
        made.to = _invitation(language, written)
    else:
        made.match, made.need, made.proposal, made.need_contact, made.proposal_contact = (
            match,
            need,
            proposal,
            asks,
            offers,
        )
    made.more = _more(made, written, other)
    return made


def _more(made: Occasion, written: dict[str, str], other: Contact) -> dict[str, Any]:
    meeting = {"starts": "2019-03-05T09:00:00+08:00", "minutes": 90, "place": written["place"]}
    match_id = made.delivery.match_id
    misses = [
        {"title": written["need"], "region": "chengdu", "failed": ["They share no challenge"]},
        {"title": "污泥减量", "region": "shaanxi", "failed": [REASONS[1], "The region wants a pilot"]},
    ]
    return {
        Template.DECLINED: {"refusal": Refusal(match_id=match_id, version=4, reason=written["reason"])},
        Template.MEETING: {"meeting": MeetingCopy(match_id=match_id, version=7, meeting=meeting)},
        Template.INTRODUCTION: {"copies": [other]},
        Template.NO_MATCH: {"nearest": misses},
        Template.PART_ASKED: {"lead": written["company"], "part_title": written["part"]},
        Template.SUGGESTED: {
            "companies": [
                {"name": written["company"], "leads": True, "is_yours": False, "parts": [(1, written["part"])]},
                {"name": "Slibwerk", "leads": False, "is_yours": True, "parts": [(2, None), (3, "Drying")]},
            ],
            "gaps": [(4, written["part"]), (5, None)],
        },
    }.get(made.template, {})


def _consortium(delivery: Delivery, written: dict[str, str]) -> ConsortiumCopy:
    parts = [
        {"part_id": str(delivery.part_id), "title": written["part"], "state": "open"},
        {"part_id": str(uuid4()), "title": "Drying", "state": "confirmed"},
    ]
    return ConsortiumCopy(
        consortium_id=uuid4(),
        version=2,
        title=written["consortium"],
        parts=parts,
        wanted=[{"part_id": str(uuid4()), "title": "Steering"}],
        contact_id=None,
        closed=False,
    )


def _suggestion(need: NeedCopy) -> SuggestionCopy:
    member = uuid4()
    return SuggestionCopy(
        need_id=need.need_id,
        version=1,
        need_version=1,
        region="hebei",
        lead_id=member,
        members=[member],
        provinces=["limburg"],
        coverage=[],
        gaps=[],
    )


def _invitation(language: str, written: dict[str, str]) -> Invitation:
    return Invitation(
        invitation_id=uuid4(),
        consortium_id=uuid4(),
        consortium=written["consortium"],
        part=written["part"],
        lead=written["company"],
        mail="an@example.org",
        token="s3cret+/token",
        language=language,
        expires_at=datetime(2019, 3, 15, tzinfo=UTC),
    )


PLAIN = {
    "asks": "高艳玲",
    "offers": "An Peeters",
    "other": "Els Maes",
    "organisation": "河北生态环境厅",
    "company": "R&D 'Schelde' Membranes",
    "need": "垃圾渗滤液处理",
    "proposal": "Membrane treatment of landfill leachate",
    "reason": "We want to see a plant that runs first.",
    "place": "石家庄",
    "part": "Reverse osmosis",
    "consortium": "Clean leachate",
}
"""What people write on a good day."""


def arrived(occasions: Sequence[Occasion], settings: Settings = SETTINGS) -> EmailMessage:
    """The mail, as a mail program reads it."""
    made = compose(occasions, settings)
    read = message_from_bytes(made.as_bytes(policy=policy.SMTP), policy=policy.default)
    assert isinstance(read, EmailMessage)
    return read


def mail(template: Template, language: str = Language.ENGLISH, **fields: Any) -> EmailMessage:
    """A mail of one occasion, on a good day."""
    return arrived([occasion(template, language, PLAIN, **fields)])
