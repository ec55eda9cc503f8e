"""The demo's story: what the shipped one covers, and how a mistake in another one is told."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.demo.models import BODY_LENGTHS, TITLE_LENGTHS, Need, Proposal, Sample
from deploy.demo.sample import SHIPPED, SampleError, load
from shared.events import Direction, ProposalKind
from shared.vocabulary import Challenge, Language, Region


@pytest.fixture(scope="module")
def sample() -> Sample:
    return load()


@pytest.fixture
def refused(tmp_path: Path) -> Callable[..., str]:
    """Change one value of a copy of the shipped story, and return what loading it then says."""

    def change(file: str, *path: str | int, to: Any) -> str:
        folder = tmp_path / "sample"
        shutil.copytree(SHIPPED, folder)
        content = yaml.safe_load((folder / file).read_text(encoding="utf-8"))
        place = content
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to
        (folder / file).write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        with pytest.raises(SampleError) as error:
            load(folder)
        return str(error.value)

    return change


def offers(sample: Sample) -> list[Need | Proposal]:
    return [*sample.needs, *sample.proposals]


def pairs(sample: Sample) -> list[tuple[str, str]]:
    return [(pair.need, pair.proposal) for pair in sample.story.expected]


def test_needs_and_proposals_each_cover_every_challenge(sample: Sample) -> None:
    assert {challenge for need in sample.needs for challenge in need.challenges} == set(Challenge)
    assert {challenge for proposal in sample.proposals for challenge in proposal.challenges} == set(Challenge)


def test_every_region_posts_a_need(sample: Sample) -> None:
    assert {sample.person(need.by).region for need in sample.needs} == set(Region)


def test_at_least_five_needs_are_chinese_and_four_proposals_dutch(sample: Sample) -> None:
    assert sum(need.language is Language.CHINESE for need in sample.needs) >= 5
    assert sum(proposal.language is Language.DUTCH for proposal in sample.proposals) >= 4


def test_titles_and_bodies_keep_to_the_lengths_of_their_language(sample: Sample) -> None:
    for entry in offers(sample):
        for text, lengths in ((entry.title, TITLE_LENGTHS), (entry.body, BODY_LENGTHS)):
            least, most = lengths[entry.language]
            assert least <= len(text) <= most, entry.key


def test_chinese_text_has_no_spaces_between_its_characters(sample: Sample) -> None:
    for need in sample.needs:
        if need.language is Language.CHINESE:
            for before, after in zip(need.body, need.body[2:], strict=False):
                assert not (before > "一" and after > "一" and f"{before} {after}" in need.body), need.key


def test_eight_proposals_answer_a_need_and_some_of_both_stay_alone(sample: Sample) -> None:
    interests = [proposal for proposal in sample.proposals if proposal.kind is ProposalKind.INTEREST]
    answering = {proposal for _, proposal in pairs(sample)}
    answered = {need for need, _ in pairs(sample)}
    assert len(answering) == 8
    assert len(interests) == 1
    assert len(sample.proposals) - len(interests) - len(answering) in (1, 2)
    assert len(sample.needs) - len(answered) in (2, 3)


def test_every_expected_pair_shares_a_challenge(sample: Sample) -> None:
    needs = {need.key: set(need.challenges) for need in sample.needs}
    proposals = {proposal.key: set(proposal.challenges) for proposal in sample.proposals}
    for need, proposal in pairs(sample):
        assert needs[need] & proposals[proposal], (need, proposal)


def test_some_expected_pairs_are_dutch_to_chinese(sample: Sample) -> None:
    languages = {entry.key: entry.language for entry in offers(sample)}
    crossing = [pair for pair in pairs(sample) if [languages[key] for key in pair] == ["zh", "nl"]]
    assert len(crossing) >= 3


def test_the_consortium_joins_three_provinces(sample: Sample) -> None:
    (proposal,) = [proposal for proposal in sample.proposals if proposal.consortium]
    assert proposal.consortium is not None
    handles = [proposal.by, *(part.by for part in proposal.consortium.parts)]
    assert len({sample.company_of(handle).province for handle in handles}) == len(handles) == 3


def test_there_is_a_journey_each_way_and_questions_become_needs(sample: Sample) -> None:
    assert {mission.direction for mission in sample.missions} == set(Direction)
    assert {lead.need for mission in sample.missions for lead in mission.leads} < {need.key for need in sample.needs}
    assert [stop.kind for mission in sample.missions for stop in mission.programme if stop.accepted] == ["visit"]


def test_no_person_can_be_reached_by_accident(sample: Sample) -> None:
    for person in sample.people:
        assert person.mail.endswith(".example")
        assert " 000" in person.phone or " 00 00" in person.phone


def test_a_deadline_counts_from_the_start_of_the_demo(sample: Sample) -> None:
    need = sample.needs[0]
    assert need.deadline == "+200d"
    assert need.deadline_on(date(2026, 1, 1)) == date(2026, 7, 20)


def test_an_error_names_file_entry_field_and_what_is_allowed(refused: Callable[..., str]) -> None:
    assert refused("needs.yaml", 1, "challenges", to=[6, 12]) == (
        "needs.yaml, entry 2 (shaanxi-coking-soil), field challenges: 12 is not a challenge; allowed: 1 to 11"
    )


MISTAKES = {
    "an unknown author": (
        ("proposals.yaml", 1, "by"),
        "nobody",
        ("proposals.yaml, entry 2 (in-situ-thermal-soil), field by: nobody", "allowed: an.peeters"),
    ),
    "a company posting a need": (
        ("needs.yaml", 0, "by"),
        "an.peeters",
        ("needs.yaml, entry 1 (hebei-antibiotic-water), field by: an.peeters", "role region", "zhao.minghui"),
    ),
    "a title too long": (
        ("proposals.yaml", 0, "title"),
        "x" * 121,
        ("proposals.yaml, entry 1 (antibiotic-water-loop), field title: has 121 characters", "40 to 120"),
    ),
    "a Chinese title too long": (
        ("needs.yaml", 0, "title"),
        "水" * 51,
        ("needs.yaml, entry 1 (hebei-antibiotic-water), field title: has 51 characters", "zh: 15 to 50"),
    ),
    "a body too short": (
        ("needs.yaml", 2, "body"),
        "Heat.",
        ("needs.yaml, entry 3 (shaanxi-electric-heat), field body: has 5 characters", "600 to 1500"),
    ),
    "a proposal in Chinese": (
        ("proposals.yaml", 0, "language"),
        "zh",
        ("proposals.yaml, entry 1 (antibiotic-water-loop), field language: zh is not", "allowed: nl, en"),
    ),
    "an absolute deadline": (
        ("needs.yaml", 0, "deadline"),
        date(2026, 1, 1),
        ("needs.yaml, entry 1 (hebei-antibiotic-water), field deadline: 2026-01-01", "+1d"),
    ),
    "a mistyped field": (
        ("needs.yaml", 0, "titel"),
        "x",
        ("needs.yaml, entry 1 (hebei-antibiotic-water), field titel: is not known", "allowed: key, by"),
    ),
    "a key used twice": (
        ("needs.yaml", 1, "key"),
        "hebei-antibiotic-water",
        ("needs.yaml, entry 2 (hebei-antibiotic-water), field key: is that of entry 1 too",),
    ),
    "wrong check digits": (
        ("companies.yaml", 0, "enterprise_number"),
        "0999.630.531",
        ("companies.yaml, entry 1 (0999.630.531), field enterprise_number: the check digits", "ends in 30"),
    ),
    "an unknown province": (
        ("companies.yaml", 0, "province"),
        "brussels",
        ("companies.yaml, entry 1 (0999.630.530), field province: brussels is not", "allowed: antwerp, limburg"),
    ),
    "a company with no person of its own": (
        ("companies.yaml", 0, "by"),
        "koen.verstraete",
        ("companies.yaml, entry 1 (0999.630.530), field by: koen.verstraete", "allowed: an.peeters"),
    ),
    "a mail address someone may own": (
        ("people.yaml", 0, "mail"),
        "an@scheldeklaar.be",
        ("people.yaml, entry 1 (an.peeters), field mail: an@scheldeklaar.be", ".example"),
    ),
    "a person with another role's field": (
        ("people.yaml", 0, "region"),
        "hebei",
        ("people.yaml, entry 1 (an.peeters), field region is not allowed", "role company"),
    ),
    "a region with no person": (
        ("people.yaml", 12, "region"),
        "hebei",
        ("people.yaml, field region: 0 people have shaanxi; allowed: exactly one", "2 people have hebei"),
    ),
    "an unknown role": (
        ("people.yaml", 0, "role"),
        "minister",
        ("people.yaml, entry 1 (an.peeters), field role: minister", "company, region, coordinator, partner, operator"),
    ),
    "a lead confirming its own part": (
        ("proposals.yaml", 0, "consortium", "parts", 1, "by"),
        "an.peeters",
        ("(antibiotic-water-loop), field consortium.parts.2.by: an.peeters already", "allowed: griet.claesen"),
    ),
    "an unknown need in the story": (
        ("story.yaml", "expected", 1, "need"),
        "nothing",
        ("story.yaml, field expected.2.need: nothing is not a key in needs.yaml", "allowed: hebei-"),
    ),
    "an acceptance that is not a consortium's": (
        ("story.yaml", "accept"),
        {"need": "chengdu-film-waste", "proposal": "film-sorting"},
        ("story.yaml, field accept.proposal: film-sorting", "allowed: antibiotic-water-loop"),
    ),
    "a question asked nowhere": (
        ("missions.yaml", 0, "leads", 0, "at"),
        "nowhere",
        ("missions.yaml, entry 1 (tour-2019), field leads.1.at: nowhere is no stop", "allowed: shijiazhuang"),
    ),
    "a question that becomes another region's need": (
        ("missions.yaml", 0, "leads", 0, "need"),
        "chengdu-film-waste",
        ("field leads.1.need: chengdu-film-waste is no need of hebei", "allowed: hebei-antibiotic-water"),
    ),
    "a mission planned by a company": (
        ("missions.yaml", 0, "by"),
        "an.peeters",
        ("missions.yaml, entry 1 (tour-2019), field by: an.peeters", "role coordinator"),
    ),
    "a meeting without a day": (
        ("story.yaml", "outcomes", 0, "meeting_on"),
        None,
        ("story.yaml, field outcomes.1: field meeting_on",),
    ),
    "a refusal without a reason": (
        ("story.yaml", "decline"),
        {"need": "chengdu-film-waste", "proposal": "film-sorting"},
        ("story.yaml, field decline.reason: is missing",),
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_where_it_is(refused: Callable[..., str], mistake: str) -> None:
    path, value, expected = MISTAKES[mistake]
    said = refused(*path, to=value)
    for words in expected:
        assert words in said


def test_several_mistakes_in_a_file_are_told_at_once(refused: Callable[..., str]) -> None:
    said = refused("story.yaml", "accept", to={"need": "a", "proposal": "b"})
    assert "accept.need: a" in said
    assert "accept.proposal: b" in said


@pytest.mark.parametrize(
    "file", ["people.yaml", "companies.yaml", "needs.yaml", "proposals.yaml", "missions.yaml", "story.yaml"]
)
def test_a_missing_file_is_named(tmp_path: Path, file: str) -> None:
    shutil.copytree(SHIPPED, tmp_path / "sample")
    (tmp_path / "sample" / file).unlink()
    with pytest.raises(SampleError, match=f"^{file}: there is no such file"):
        load(tmp_path / "sample")


@pytest.mark.parametrize(
    ("content", "said"), [("- a: [", "is not YAML"), ("a: 1", "must be a list"), ("- x", "must hold fields")]
)
def test_a_file_that_holds_no_entries_is_told(tmp_path: Path, content: str, said: str) -> None:
    shutil.copytree(SHIPPED, tmp_path / "sample")
    (tmp_path / "sample" / "needs.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(SampleError, match=f"needs.yaml.*{said}"):
        load(tmp_path / "sample")
