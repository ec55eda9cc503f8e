"""Events are told by the names and titles that earlier events carried, and in no other way."""

import io
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from rich.console import Console

from deploy import screen
from deploy.demo.telling import QUOTED, SENTENCES, Teller, explained
from deploy.event_examples import example
from shared.events import CATALOG, Event

LEAD = {"lead_id": uuid4(), "region": "hebei", "question": "能否回用？", "language": "zh", "challenges": [4]}


def event(name: str, /, **values: Any) -> Event:
    made = example(CATALOG[name])
    assert made
    return CATALOG[name].model_validate(made | values)


def test_a_match_is_told_by_who_and_what_it_is_about() -> None:
    teller = Teller()
    teller.tell(event("CompanyRegistered", name="Scheldeklaar NV"))
    need, proposal = event("NeedPosted", title="抗生素废水"), event("ProposalSubmitted")
    match = event("MatchFound", need_id=need.key_text(), proposal_id=proposal.key_text(), region="hebei", score=0.5)
    for earlier in (need, proposal):
        teller.tell(earlier)
    assert teller.tell(match) == "Match, score 0.50: Scheldeklaar NV for Hebei: 抗生素废水"
    introduced = teller.tell(event("IntroductionMade", match_id=match.key_text()))
    assert introduced == "Hebei and Scheldeklaar NV are introduced: each has the other's contact details"


@pytest.mark.parametrize("name", SENTENCES)
def test_an_event_is_told_also_when_what_came_before_was_not_heard(name: str) -> None:
    assert Teller().tell(event(name, **({"leads": [LEAD]} if name == "LeadRecorded" else {})))


def test_nothing_is_told_that_is_personal() -> None:
    assert not [name for name in SENTENCES if CATALOG[name].personal]


def test_a_long_sentence_stays_beside_its_time_and_shows_what_looks_like_markup(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = io.StringIO()
    monkeypatch.setattr(screen, "console", Console(file=out, width=80, highlight=False))
    screen.show_moment(datetime.now(UTC), "Hebei needs: [bold] " + "water " * 20)
    first, *more = out.getvalue().splitlines()
    assert "[bold]" in first
    assert all(line.startswith(" " * 10) for line in more)
    assert all(len(line) <= 80 for line in (first, *more))


def test_an_explanation_is_told_in_a_few_lines() -> None:
    quote = {"field": "title", "start": 0, "end": 300, "quote": "膜" * 300}
    told = explained(
        {
            "explained": {"score": 0.936},
            "parts": [
                {"name": "base", "points": 0.011},
                {"name": "meaning", "points": 0.93},
                {"name": "words", "points": 0.0},
            ],
            "sentences": [{"need": quote, "proposal": None}],
            "shared": [{"kind": "name", "name": "COD"}, {"kind": "word", "name": "water"}],
            "raised_by": [{"words": "If so, it would be 0.95"}],
        }
    )
    assert told == [
        "Why 0.94? Any pair begins at 0.01; meaning +0.93",
        f"Sentences that met: “{'膜' * QUOTED} …” and one that may not be read",
        "Both name: COD",
        "If so, it would be 0.95",
    ]
