"""The story `i2pcc demo` plays, read from a folder; its entries are checked against each other."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from deploy.demo.models import Company, Mission, Need, Organisation, Pair, Person, Proposal, Sample, Story
from shared.vocabulary import Region, Role

SHIPPED = Path(__file__).parent / "sample"
"""The story that comes with the platform."""

Model = TypeVar("Model", bound=BaseModel)


class SampleError(Exception):
    """The folder does not hold a playable story; the message says where, and what is allowed."""


def load(folder: Path = SHIPPED) -> Sample:
    """Read a story, or say everything that is wrong with the first kind of mistake met."""
    sample = Sample(
        people=_entries(folder, "people.yaml", Person, "name"),
        companies=_entries(folder, "companies.yaml", Company, "enterprise_number"),
        needs=_entries(folder, "needs.yaml", Need, "key"),
        proposals=_entries(folder, "proposals.yaml", Proposal, "key"),
        missions=_entries(folder, "missions.yaml", Mission, "key"),
        story=_story(folder),
    )
    _refuse(
        [
            *_people_problems(sample),
            *_company_problems(sample),
            *_author_problems(sample),
            *_consortium_problems(sample),
            *_mission_problems(sample),
            *_story_problems(sample),
        ]
    )
    return sample


def _refuse(problems: Sequence[str]) -> None:
    if problems:
        raise SampleError("\n".join(problems))


def _read(folder: Path, file: str) -> Any:
    try:
        return yaml.safe_load((folder / file).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SampleError(f"{file}: there is no such file in {folder}") from None
    except UnicodeDecodeError as error:
        raise SampleError(f"{file}: is not UTF-8 (byte {error.start})") from None
    except OSError as error:
        raise SampleError(f"{file}: cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise SampleError(f"{file}: is not YAML: {error}") from None


def _entries(folder: Path, file: str, model: type[Model], identity: str) -> tuple[Model, ...]:
    """The entries of a file that holds a list, each with an identity of its own."""
    raw = _read(folder, file)
    if not isinstance(raw, list) or not raw:
        raise SampleError(f"{file}: must be a list with at least one entry, each beginning with '- '")
    entries: list[Model] = []
    problems: list[str] = []
    first: dict[str, int] = {}
    for number, item in enumerate(raw, start=1):
        name = item.get(identity) if isinstance(item, dict) else None
        where = f"{file}, entry {number}" + (f" ({name})" if name else "")
        if name and (earlier := first.setdefault(str(name), number)) != number:
            problems.append(f"{where}, field {identity}: is that of entry {earlier} too; allowed: one of its own")
        try:
            entries.append(model.model_validate(item))
        except ValidationError as error:
            problems += [f"{where}, {line}" for line in _explain(error, model)]
    _refuse(problems)
    return tuple(entries)


def _story(folder: Path) -> Story:
    try:
        return Story.model_validate(_read(folder, "story.yaml"))
    except ValidationError as error:
        raise SampleError("\n".join(f"story.yaml, {line}" for line in _explain(error, Story))) from None


def _explain(error: ValidationError, model: type[BaseModel]) -> Iterable[str]:
    """Pydantic's findings in the words of someone who writes YAML."""
    for finding in error.errors(include_url=False):
        path, kind = finding["loc"], finding["type"]
        field = ".".join(str(step + 1) if isinstance(step, int) else step for step in path)
        message = finding["msg"].removeprefix("Value error, ")
        if kind == "missing":
            message = "is missing"
        elif kind == "extra_forbidden":
            known = f"; allowed: {', '.join(model.model_fields)}" if len(path) == 1 else ""
            message = f"is not known here{known}"
        elif kind in ("enum", "literal_error"):
            choices = re.findall(r"'([^']*)'>?(?:,| or |$)", message)
            message = f"{finding['input']!s} is not one of these; allowed: {', '.join(choices)}"
        elif kind in ("model_type", "dict_type"):
            message = f"must hold fields such as 'name: value', not {finding['input']!r}"
        elif kind in ("tuple_type", "list_type"):
            message = f"must be a list such as [a, b], not {finding['input']!r}"
        yield f"field {field}: {message}" if field else message


def _people_problems(sample: Sample) -> Iterable[str]:
    """Exactly one to act for everyone: the demo signs in by role, and would not know whom to take."""
    numbers = [company.enterprise_number for company in sample.companies]
    wanted: tuple[tuple[Role, str, Iterable[str]], ...] = (
        (Role.COMPANY, "company", numbers),
        (Role.REGION, "region", Region),
        (Role.COORDINATOR, "organisation", Organisation),
    )
    for role, field, allowed in wanted:
        found = Counter(getattr(person, field) for person in sample.people if person.role is role)
        for value in allowed:
            if found[value] != 1:
                yield f"people.yaml, field {field}: {found[value]} people have {value}; allowed: exactly one"
    operators = sum(person.role is Role.OPERATOR for person in sample.people)
    if operators != 1:
        yield f"people.yaml, field role: {operators} people have operator; allowed: exactly one"
    for number, person in enumerate(sample.people, start=1):
        if person.company and person.company not in numbers:
            yield (
                f"people.yaml, entry {number} ({person.name}), field company: {person.company} is not in "
                f"companies.yaml; allowed: {', '.join(numbers)}"
            )


def _handles(sample: Sample, role: Role) -> list[str]:
    return [person.name for person in sample.people if person.role is role]


def _company_problems(sample: Sample) -> Iterable[str]:
    """Both files tell who acts for a company; they must agree."""
    for number, company in enumerate(sample.companies, start=1):
        allowed = [p.name for p in sample.people if p.company == company.enterprise_number]
        if company.by not in allowed:
            yield (
                f"companies.yaml, entry {number} ({company.enterprise_number}), field by: {company.by} is not "
                f"this company's person in people.yaml; allowed: {', '.join(allowed) or 'none is there yet'}"
            )


def _author_problems(sample: Sample) -> Iterable[str]:
    """Who else wrote a need, a proposal or a mission would get a 403 in the middle of the demo."""
    files: tuple[tuple[str, Sequence[Need | Proposal | Mission], Role], ...] = (
        ("needs.yaml", sample.needs, Role.REGION),
        ("proposals.yaml", sample.proposals, Role.COMPANY),
        ("missions.yaml", sample.missions, Role.COORDINATOR),
    )
    for file, entries, role in files:
        allowed = _handles(sample, role)
        for number, entry in enumerate(entries, start=1):
            if entry.by not in allowed:
                yield (
                    f"{file}, entry {number} ({entry.key}), field by: {entry.by} is not a person of role {role} "
                    f"in people.yaml; allowed: {', '.join(allowed)}"
                )


def _consortium_problems(sample: Sample) -> Iterable[str]:
    """Each part is another company's: the lead does not confirm itself, and no one confirms twice."""
    companies = _handles(sample, Role.COMPANY)
    for number, proposal in enumerate(sample.proposals, start=1):
        taken = {proposal.by}
        for place, part in enumerate(proposal.consortium.parts if proposal.consortium else (), start=1):
            if part.by not in companies or part.by in taken:
                reason = "already takes part" if part.by in taken else "is not a person of role company"
                yield (
                    f"proposals.yaml, entry {number} ({proposal.key}), field consortium.parts.{place}.by: {part.by} "
                    f"{reason}; allowed: {', '.join(name for name in companies if name not in taken)}"
                )
            taken.add(part.by)


def _mission_problems(sample: Sample) -> Iterable[str]:
    """A lead is asked at a stop of its mission, and its need is its region's."""
    regions = {need.key: sample.person(need.by).region for need in sample.needs}
    for number, mission in enumerate(sample.missions, start=1):
        where = f"missions.yaml, entry {number} ({mission.key}), field leads"
        stops = [stop.key for stop in mission.programme]
        for place, lead in enumerate(mission.leads, start=1):
            if lead.at not in stops:
                yield f"{where}.{place}.at: {lead.at} is no stop of this mission; allowed: {', '.join(stops)}"
            if regions.get(lead.need) != lead.region:
                allowed = ", ".join(key for key, region in regions.items() if region == lead.region)
                yield f"{where}.{place}.need: {lead.need} is no need of {lead.region}; allowed: {allowed}"


def _story_pairs(story: Story) -> Iterable[tuple[str, Pair]]:
    yield "shortlist", story.shortlist
    yield "accept", story.accept
    yield "decline", story.decline
    for number, pair in enumerate(story.expected, start=1):
        yield f"expected.{number}", pair


def _story_problems(sample: Sample) -> Iterable[str]:
    """A story that names what is not there, or accepts what no one expects, would wait for ever."""
    keys: dict[str, list[str]] = {
        "need": [need.key for need in sample.needs],
        "proposal": [proposal.key for proposal in sample.proposals],
    }
    for place, pair in _story_pairs(sample.story):
        for field, allowed in keys.items():
            key = getattr(pair, field)
            if key not in allowed:
                yield (
                    f"story.yaml, field {place}.{field}: {key} is not a key in {field}s.yaml; "
                    f"allowed: {', '.join(allowed)}"
                )
    yield from _ending_problems(sample)


def _ending_problems(sample: Sample) -> Iterable[str]:
    """The acceptance shows a consortium's introduction, the refusal another match."""
    story = sample.story
    expected = [(pair.need, pair.proposal) for pair in story.expected]
    for number, pair in enumerate(expected, start=1):
        if pair in expected[: number - 1]:
            yield f"story.yaml, field expected.{number}: is there twice; allowed: each pair once"
    for place, ending in (("shortlist", story.shortlist), ("accept", story.accept), ("decline", story.decline)):
        if (ending.need, ending.proposal) not in expected:
            yield f"story.yaml, field {place}: is not an expected match; allowed: one of the pairs in field expected"
    if (story.accept.need, story.accept.proposal) == (story.decline.need, story.decline.proposal):
        yield "story.yaml, field decline: is the accepted match; allowed: another of the pairs in field expected"
    consortia = [proposal.key for proposal in sample.proposals if proposal.consortium]
    if story.accept.proposal not in consortia:
        yield (
            f"story.yaml, field accept.proposal: {story.accept.proposal} is not a consortium's; "
            f"allowed: {', '.join(consortia) or 'none has a field consortium yet'}"
        )
