"""Regions decides well."""

import csv
import io
from datetime import date
from uuid import UUID, uuid4

import pytest

from services.regions.rules import (
    MISSION_LIFE,
    MOST_LEADS,
    NEED_LIFE,
    VISITED,
    MissionState,
    MissionStep,
    NeedState,
    check_deadline,
    check_host,
    check_lead,
    check_leads_stay,
    check_original,
    check_visited,
    first_sentence,
    guarded,
    lead_of,
    mission_state,
    programme,
    seen_by,
    visit_of,
)
from shared.events import Lead, MatchState, MissionFacts, MissionPlanned, Original, Stop
from shared.problems import Problem
from shared.vocabulary import Language, Region

TODAY = date(2026, 3, 1)


@pytest.mark.parametrize("deadline", [None, date(2026, 3, 2), date.max])
def test_a_deadline_lies_ahead_or_is_left_out(deadline: date | None) -> None:
    check_deadline(deadline, TODAY)


@pytest.mark.parametrize("deadline", [TODAY, date(2026, 2, 28), date.min])
def test_a_deadline_of_today_or_before_is_refused_and_told_what_is_allowed(deadline: date) -> None:
    with pytest.raises(Problem, match="after today, 2026-03-01") as refused:
        check_deadline(deadline, TODAY)
    assert refused.value.status == 422
    assert [error.field for error in refused.value.document.errors] == ["body.deadline"]


def test_a_closed_need_stays_closed_and_a_posted_one_is_no_draft_again() -> None:
    assert not [after for (before, _), after in NEED_LIFE.items() if before is NeedState.CLOSED]
    assert {before for (before, _), after in NEED_LIFE.items() if after is NeedState.DRAFT} == {NeedState.DRAFT}


@pytest.mark.parametrize(("written", "original"), [("en", "zh"), ("zh", "en"), ("nl", None)])
def test_an_original_is_in_another_language(written: str, original: str | None) -> None:
    check_original(Language(written), Original(title="x", body="y", language=original) if original else None)
    with pytest.raises(Problem, match=f"must not be {written}"):
        check_original(Language(written), Original(title="x", body="y", language=written))


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Who dries sludge? We have steam.", "Who dries sludge?"),
        ("谁能处理3.5吨污泥？我们有蒸汽。", "谁能处理3.5吨污泥？"),
        ("Sludge of 3.5 t/d. More later.", "Sludge of 3.5 t/d."),
        ("No full stop", "No full stop"),
        ("One line\nand another", "One line"),
        ("  \n x", "x"),
        ("word " * 60, "word " * 39 + "word…"),
        ("字" * 300, "字" * 199 + "…"),
    ],
)
def test_a_title_is_the_first_sentence_of_a_question(text: str, title: str) -> None:
    assert first_sentence(text) == title
    assert len(title) <= 200


STARTS, ENDS = date(2026, 3, 2), date(2026, 3, 6)


@pytest.mark.parametrize(
    ("today", "state"),
    [
        (date(2026, 3, 1), MissionState.PLANNED),
        (STARTS, MissionState.UNDER_WAY),
        (ENDS, MissionState.UNDER_WAY),
        (date(2026, 3, 7), MissionState.OVER),
    ],
)
def test_a_mission_goes_on_by_its_dates(today: date, state: MissionState) -> None:
    assert mission_state(STARTS, ENDS, today) is state


def test_a_mission_that_is_over_can_still_get_leads() -> None:
    assert {step for state, step in MISSION_LIFE if state is MissionState.OVER} == {
        MissionStep.RECORD,
        MissionStep.LINK,
    }


def test_no_step_takes_a_mission_further_than_its_dates_do() -> None:
    assert all(state is then for (state, _), then in MISSION_LIFE.items())


def stop(**fields: object) -> Stop:
    """A visit on the first day."""
    return Stop.model_validate(
        {"stop_id": uuid4(), "kind": "visit", "on": STARTS, "place": "Foshan", "title": "A depot"} | fields
    )


def wanted(held: Stop, **fields: object) -> dict[str, object]:
    """The same stop, as somebody sends it."""
    return held.model_dump(exclude={"match_id"}) | fields


def test_a_programme_is_in_the_order_of_its_days_and_stops_keep_their_ids_and_matches() -> None:
    first, second = stop(match_id=uuid4()), stop(on=ENDS)
    new = wanted(stop(), stop_id=None, on=date(2026, 3, 4))
    made = programme(STARTS, ENDS, [wanted(second), new, wanted(first, title="Another")], [first, second])
    assert [each.stop_id for each in made][::2] == [first.stop_id, second.stop_id]
    assert made[1].stop_id not in (first.stop_id, second.stop_id)
    assert (made[0].title, made[0].match_id) == ("Another", first.match_id)


def test_a_visit_that_becomes_a_seminar_is_about_no_match() -> None:
    held = stop(match_id=uuid4())
    (made,) = programme(STARTS, ENDS, [wanted(held, kind="seminar")], [held])
    assert made.match_id is None


@pytest.mark.parametrize("day", [date(2026, 3, 1), date(2026, 3, 7)])
def test_a_stop_is_within_the_mission(day: date) -> None:
    with pytest.raises(Problem, match=r"body\.programme\.1\.on: must be within .* 2026-03-02 to 2026-03-06"):
        programme(STARTS, ENDS, [wanted(stop(), stop_id=None), wanted(stop(), stop_id=None, on=day)], [])


def test_the_id_of_a_stop_is_one_that_there_is_and_comes_once() -> None:
    held = stop()
    for sent in ([wanted(stop())], [wanted(held), wanted(held)]):
        with pytest.raises(Problem, match=r"body\.programme\.\d\.stop_id"):
            programme(STARTS, ENDS, sent, [held])


def lead(**fields: object) -> Lead:
    """A question from Guangdong."""
    return Lead.model_validate(
        {"lead_id": uuid4(), "region": "guangdong", "question": "Who?", "language": "en", "challenges": [5]} | fields
    )


def mission(**fields: object) -> MissionFacts:
    """A mission to two regions."""
    return MissionPlanned.model_validate(
        {
            "mission_id": uuid4(),
            "version": 1,
            "direction": "outgoing",
            "title": "South",
            "regions": ["guangdong", "hebei"],
            "provinces": ["limburg"],
            "starts": STARTS,
            "ends": ENDS,
        }
        | fields
    )


def test_a_stop_where_a_question_was_asked_stays() -> None:
    asked, other = stop(), stop()
    check_leads_stay([asked], [lead(stop_id=asked.stop_id), lead()])
    with pytest.raises(Problem, match=str(asked.stop_id)):
        check_leads_stay([other], [lead(stop_id=asked.stop_id)])


def test_who_plans_a_mission_takes_part() -> None:
    check_host(["antwerp", "limburg"], ["limburg"])
    with pytest.raises(Problem, match=r"body\.provinces: .* limburg"):
        check_host(["antwerp"], ["limburg"])


@pytest.mark.parametrize(
    ("region", "own", "allowed"),
    [(Region.CHENGDU, None, "guangdong or hebei"), (Region.HEBEI, Region.GUANGDONG, "guangdong")],
)
def test_a_question_comes_from_a_region_of_the_mission(region: Region, own: Region | None, allowed: str) -> None:
    check_lead(mission(), Region.HEBEI, None, None)
    check_lead(mission(), Region.HEBEI, None, Region.HEBEI)
    with pytest.raises(Problem, match=rf"body\.region: must be {allowed}$"):
        check_lead(mission(), region, None, own)


def test_a_question_was_asked_at_a_stop_of_the_programme() -> None:
    held = stop()
    check_lead(mission(programme=[held]), Region.HEBEI, held.stop_id, None)
    with pytest.raises(Problem, match=r"body\.stop_id"):
        check_lead(mission(programme=[held]), Region.HEBEI, uuid4(), None)


def test_a_mission_full_of_the_longest_questions_fits_into_an_event() -> None:
    leads = [lead(question="\x01" * 1_000) for _ in range(MOST_LEADS)]
    stops = [stop(place="\x01" * 200, title="\x01" * 200, match_id=uuid4()) for _ in range(40)]
    full = mission(leads=leads, programme=stops)
    assert len(full.model_dump_json().encode()) < 900_000
    with pytest.raises(Problem, match="100 leads at most") as refused:
        check_lead(full, Region.HEBEI, None, None)
    assert refused.value.status == 409


def test_a_need_comes_of_a_lead_once_and_in_its_region_alone() -> None:
    open_one, used = lead(), lead(need_id=uuid4())
    assert lead_of([open_one, used], open_one.lead_id, Region.GUANGDONG) is open_one
    for lead_id, region, status in (
        (open_one.lead_id, Region.HEBEI, 404),
        (uuid4(), Region.GUANGDONG, 404),
        (used.lead_id, Region.GUANGDONG, 409),
    ):
        with pytest.raises(Problem) as refused:
            lead_of([open_one, used], lead_id, region)
        assert refused.value.status == status


@pytest.mark.parametrize(("kind", "status"), [("seminar", 409), (None, 404)])
def test_only_a_visit_is_about_a_match(kind: str | None, status: int) -> None:
    visit, other = stop(), stop(kind=kind or "visit")
    assert visit_of([other, visit], visit.stop_id) is visit
    stop_id: UUID = other.stop_id if kind else uuid4()
    with pytest.raises(Problem) as refused:
        visit_of([other, visit], stop_id)
    assert refused.value.status == status


@pytest.mark.parametrize("state", MatchState)
def test_a_visit_is_about_a_match_that_the_region_knows_of_and_that_has_not_ended(state: MatchState) -> None:
    if state in VISITED:
        check_visited(state)
        return
    with pytest.raises(Problem, match=f"is {state}; .* presented, accepted") as refused:
        check_visited(state)
    assert refused.value.status == 409


def test_a_region_sees_its_own_leads_and_matches_and_a_company_the_programme_alone() -> None:
    ours, theirs, match = lead(), lead(region="hebei"), uuid4()
    whole = mission(leads=[ours, theirs], programme=[stop(match_id=match), stop(match_id=uuid4())])
    region = seen_by(whole, Region.GUANGDONG, {match})
    assert (region.leads, [each.match_id for each in region.programme]) == ((ours,), [match, None])
    company = seen_by(whole, None, ())
    assert (company.leads, [each.match_id for each in company.programme]) == ((), [None, None])


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_is_no_formula(begin: str) -> None:
    assert guarded(f"{begin}1+1") == f"'{begin}1+1"
    assert guarded(f"1{begin}") == f"1{begin}"


@pytest.mark.parametrize("begin", ["=", "+", "-", "@"])
def test_nor_is_what_a_belgian_spreadsheet_makes_a_cell_of(begin: str) -> None:
    file = io.StringIO()
    csv.writer(file).writerow(["3", guarded(f"Pumps, {begin};{begin}1; {begin}2\n{begin}3")])
    lines = csv.reader(file.getvalue().splitlines(), delimiter=";")
    assert not [cell for line in lines for cell in line if cell.strip().startswith(begin)]
    assert guarded(f"Pumps; valves {begin} 2") == f"Pumps; valves {begin} 2"
