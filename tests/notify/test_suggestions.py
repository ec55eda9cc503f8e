"""Who is told that several companies could cover a need together: once each, and only as long as it stands."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.db import Sessions
from shared.events import CompanyRevised, ConsortiumSuggested, ContactErased, NeedClosed, NeedPosted, NeedRevised
from tests.facts import received
from tests.notify.parties import coordinator, person, send_all, store
from tests.notify.post import PostOffice, body

PARTS = ("Digestion", "Boilers", "Resins", "Training")


class Puzzle:
    """A need, two companies that could cover most of it, and their people."""

    def __init__(self) -> None:
        self.need_id, self.lead_id, self.other_id = uuid4(), uuid4(), uuid4()
        self.need = received(NeedPosted, need_id=self.need_id, title="污泥处理", parts=PARTS)
        self.companies = [self.company(self.lead_id, "Slibwerk"), self.company(self.other_id, "Stoom")]
        self.lead = person("An Peeters", company_id=self.lead_id)
        self.other = person("Jan Maes", company_id=self.other_id, language="nl")

    @staticmethod
    def company(company_id: UUID, name: str, version: int = 1, **fields: Any) -> CompanyRevised:
        """What a company says of itself."""
        facts = {"company_id": company_id, "name": name, "suggestible": True} | fields
        return received(CompanyRevised, version=version, **facts)

    def suggestion(self, version: int = 1, **fields: Any) -> ConsortiumSuggested:
        """The two, for three of the need's four parts."""
        by = {1: self.lead_id, 2: self.lead_id, 3: self.other_id}
        facts = {
            "need_id": self.need_id,
            "lead_id": self.lead_id,
            "members": [self.lead_id, self.other_id],
            "provinces": ["limburg", "antwerp"],
            "region": "hebei",
            "coverage": [{"part": part, "company_id": each, "closeness": 0.8} for part, each in by.items()],
            "gaps": [4],
        }
        return received(ConsortiumSuggested, version=version, need_version=1, **facts | fields)

    @property
    def told(self) -> tuple[Any, ...]:
        """All that the mails are made of."""
        return self.need, *self.companies, self.lead, self.other, self.suggestion()


async def test_its_companies_people_and_the_leads_coordinators_are_told_who_could_bring_what(
    alone: Sessions, post: PostOffice
) -> None:
    puzzle, els = Puzzle(), coordinator("limburg")
    strangers = [coordinator("antwerp"), person("Somebody", company_id=uuid4())]
    await store(alone, els, *strangers, *puzzle.told)
    await send_all(alone)
    assert set(post.taken) == {puzzle.lead.mail, puzzle.other.mail, els.mail}
    assert len(post.seen) == 3
    text = body(post.taken[puzzle.lead.mail])
    lines = [
        "- Slibwerk (your company), which could lead: Digestion",
        "- Slibwerk (your company), which could lead: Boilers",
        "- Stoom: Resins",
        "- nobody yet: Training",
    ]
    assert [line for line in text.split("\n") if line.startswith("- ")] == lines
    assert 'Hebei needs "污泥处理"' in text
    assert f"/consortia/new?need={puzzle.need_id}" in text
    assert "- Stoom (uw bedrijf): Resins\n" in body(post.taken[puzzle.other.mail])
    assert "- Slibwerk, which could lead: Digestion\n" in body(post.taken[els.mail])


async def test_nobody_is_told_twice_of_the_same_suggestion(alone: Sessions, post: PostOffice) -> None:
    puzzle = Puzzle()
    await store(alone, *puzzle.told)
    await send_all(alone)
    again = received(type(puzzle.lead), **puzzle.lead.model_dump() | {"version": 2, "name": "An"})
    await store(alone, puzzle.suggestion(), again)
    await send_all(alone)
    assert len(post.seen) == 2


async def test_who_is_named_after_its_company_was_suggested_is_told_too(alone: Sessions, post: PostOffice) -> None:
    puzzle = Puzzle()
    await store(alone, puzzle.need, *puzzle.companies, puzzle.suggestion())
    await store(alone, puzzle.lead)
    await send_all(alone)
    assert set(post.taken) == {puzzle.lead.mail}


async def test_it_waits_for_what_it_is_made_of(alone: Sessions, post: PostOffice) -> None:
    puzzle = Puzzle()
    need, one, other, *rest = puzzle.told
    await store(alone, one, *rest)
    await send_all(alone)
    await store(alone, need)
    await send_all(alone)
    assert post.seen == []
    await store(alone, other)
    await send_all(alone)
    assert len(post.seen) == 2


async def test_the_parts_of_a_need_that_was_revised_meanwhile_are_numbers(alone: Sessions, post: PostOffice) -> None:
    puzzle = Puzzle()
    revised = received(NeedRevised, need_id=puzzle.need_id, version=2, title="污泥", parts=("Anything", "Else"))
    await store(alone, *puzzle.told, revised)
    await send_all(alone)
    text = body(post.taken[puzzle.lead.mail])
    assert "- Stoom: part 3\n- nobody yet: part 4\n" in text


@pytest.mark.parametrize("ends", ["need", "word", "people"])
async def test_what_does_not_stand_any_more_is_not_told(alone: Sessions, post: PostOffice, ends: str) -> None:
    puzzle = Puzzle()
    after = {
        "need": [received(NeedClosed, need_id=puzzle.need_id, version=2, closed=True)],
        "word": [puzzle.company(puzzle.other_id, "Stoom", 2, suggestible=False)],
        "people": [
            received(ContactErased, contact_id=each.contact_id, version=2) for each in (puzzle.lead, puzzle.other)
        ],
    }
    await store(alone, *puzzle.told)
    await store(alone, *after[ends])
    await send_all(alone)
    assert post.seen == []


async def test_a_newer_suggestion_takes_the_place_of_one_that_was_not_told_yet(
    alone: Sessions, post: PostOffice
) -> None:
    """Who is in both is told once, of the newer one; who is only in the older one hears nothing."""
    puzzle, third = Puzzle(), uuid4()
    by = {1: puzzle.lead_id, 3: third}
    newer = puzzle.suggestion(
        version=2,
        members=[puzzle.lead_id, third],
        coverage=[{"part": part, "company_id": each, "closeness": 0.9} for part, each in by.items()],
    )
    await store(alone, *puzzle.told)
    await store(alone, puzzle.company(third, "Harsen"), newer)
    await send_all(alone)
    assert [to for to, _ in post.seen] == [puzzle.lead.mail]
    assert "- Harsen: Resins\n" in body(post.taken[puzzle.lead.mail])


async def test_it_waits_for_the_digest_of_who_wants_one_and_can_be_stopped(alone: Sessions, post: PostOffice) -> None:
    puzzle = Puzzle()
    puzzle.lead = person("An Peeters", company_id=puzzle.lead_id, digest="daily")
    await store(alone, *puzzle.told)
    await send_all(alone)
    assert set(post.taken) == {puzzle.other.mail}
    assert post.taken[puzzle.other.mail]["List-Unsubscribe"]
    await send_all(alone, datetime.now(UTC) + timedelta(days=2))
    assert set(post.taken) == {puzzle.lead.mail, puzzle.other.mail}
