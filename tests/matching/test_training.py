"""Answers are kept with what had been seen of the pair; the combiner learns from them, or stays as it is."""

from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, update
from sqlmodel import col, select

from services.matching import training
from services.matching.combiners import adopt, current
from services.matching.life import Step
from services.matching.models import LearnedCombiner, Match, TrainingRow
from services.matching.rematch import rematch
from services.matching.scoring.combiner import SHIPPED, SIGNALS, Combiner
from services.matching.scoring.fitting import Case
from services.matching.training import FEWEST, as_json, cases_of, judge, told, train
from shared.db import Sessions
from shared.events import NeedClosed, Outcome, ProposalWithdrawn
from shared.vocabulary import Objection
from tests.matching.sides import happen, let_through, need, presented, proposal, settle, store, take_step, waiting
from tests.matching.test_fitting import TRUTH, judged

SEEN = {"meaning": 2.0, "second": 1.5, "words": 0.5, "names": 0.0, "challenges": 1.0}


def rows_of(cases: Iterable[Case]) -> list[dict[str, Any]]:
    """An answer for each case."""
    return [
        {
            "match_id": UUID(int=place),
            "version": 3,
            "need_id": UUID(int=int(case.need.removeprefix("need "))),
            "step": Step.ACCEPT if case.good else Step.DECLINE,
            "objection": None if case.good else Objection.NOT_A_FIT,
            "outcome": None,
            "good": case.good,
            "signals": dict(case.signals),
            "model": "any",
        }
        for place, case in enumerate(cases)
    ]


def rows(cases: Iterable[Case]) -> list[TrainingRow]:
    """The same as the database holds them."""
    return [TrainingRow(**row) for row in rows_of(cases)]


async def kept(sessions: Sessions) -> list[TrainingRow]:
    """The answers, in order."""
    async with sessions() as db:
        return list((await db.scalars(select(TrainingRow).order_by(col(TrainingRow.version)))).all())


async def answered(sessions: Sessions, cases: Iterable[Case]) -> None:
    """Have these answers."""
    async with sessions() as db, db.begin():
        await db.execute(insert(TrainingRow), rows_of(cases))


async def scored(sessions: Sessions, match: Match, signals: dict[str, float]) -> None:
    """Have a match know what was seen of it."""
    async with sessions() as db, db.begin():
        await db.execute(update(Match).where(col(Match.match_id) == match.match_id).values(signals=signals))


async def test_each_answer_is_kept_with_what_had_been_seen_of_the_pair(alone: Sessions) -> None:
    await let_through(alone, "antwerp", None)
    posted = need()
    match = await presented(alone, posted, proposal(provinces=["antwerp"]))
    await scored(alone, match, SEEN)
    await take_step(alone, match, Step.SHORTLIST)
    await take_step(alone, match, Step.PRESENT)
    await take_step(alone, match, Step.REMIND, told={"escalated": False})
    await take_step(alone, match, Step.ACCEPT)
    await take_step(alone, match, Step.INTRODUCE)
    nothing = {"outcome": Outcome.NOTHING, "objection": Objection.NOT_NOW}
    await take_step(alone, match, Step.OUTCOME, told={"meeting": None}, **nothing)
    await take_step(alone, match, Step.OUTCOME, told={"meeting": None}, outcome=Outcome.PILOT, objection=None)
    found = await kept(alone)
    assert [(row.step, row.objection, row.outcome, row.good) for row in found] == [
        ("shortlist", None, None, True),
        ("accept", None, None, True),
        ("outcome", "not_now", "nothing", None),
        ("outcome", None, "pilot", True),
    ]
    assert {(row.match_id, row.need_id, row.model) for row in found} == {(match.match_id, posted.need_id, match.model)}
    assert all(row.signals == SEEN for row in found)


@pytest.mark.parametrize(
    ("step", "objection", "good"),
    [(Step.DECLINE, Objection.WRONG_SCALE, False), (Step.VETO, Objection.SOLVED_ALREADY, None)],
)
async def test_a_no_is_kept_with_why(alone: Sessions, step: Step, objection: Objection, good: bool | None) -> None:
    match = await presented(alone, need(), proposal())
    await take_step(alone, match, step, objection=objection, reason="Nothing for us")
    (row,) = await kept(alone)
    assert (row.step, row.objection, row.good, set(row.signals)) == (step, objection, good, set(SIGNALS))


def test_of_a_match_the_latest_judgement_counts_and_what_was_not_seen_teaches_nothing() -> None:
    case = Case("need 1", SEEN, True)
    shortlisted, declined, reported, unseen, renamed = rows([case] * 5)
    for place, row in enumerate((shortlisted, declined, reported)):
        row.match_id, row.version = UUID(int=9), place + 3
    declined.good, reported.good, unseen.signals = False, None, None
    renamed.signals = SEEN | {"cosine": 1.0}
    found = cases_of([reported, declined, shortlisted, unseen, renamed])
    assert found == [Case(str(UUID(int=1)), SEEN, False)]


def test_what_the_shipped_combiner_does_not_know_is_learned() -> None:
    report = judge(rows(judged(TRUTH, 80)), SHIPPED)
    assert report.better
    assert report.found
    assert min(report.found.weights.values()) >= 0
    assert report.compared
    assert report.compared.learned.log_loss < report.compared.held.log_loss
    assert "more than chance" in told(report)


def test_the_same_answers_teach_the_same_whatever_is_in_use() -> None:
    answers = rows(judged(TRUTH, 20))
    assert judge(answers, SHIPPED).found == judge(answers, TRUTH).found


@pytest.mark.parametrize("seed", range(8))
def test_answers_as_the_present_one_expects_them_change_nothing(seed: int) -> None:
    assert not judge(rows(judged(SHIPPED, 40, seed=seed)), SHIPPED).better


def test_answers_that_are_chance_are_not_called_knowledge() -> None:
    dice, even = Random(5), Combiner("even", 0.0, dict.fromkeys(SIGNALS, 0.0))
    cases = [Case(case.need, case.signals, dice.random() < 0.5) for case in judged(SHIPPED, 60)]
    report = judge(rows(cases), even)
    assert not report.better
    assert "not more than chance" in told(report)


@pytest.mark.parametrize(
    ("cases", "why"),
    [
        ([], "0 judged matches, and 30 are needed"),
        (judged(TRUTH, 1, each=FEWEST - 1), "29 judged matches"),
        ([Case("need 1", SEEN, True)] * FEWEST, "judged good: there is nothing to tell apart"),
        (judged(TRUTH, 4, each=20), "They are of 4 needs, and 5 are needed"),
    ],
)
def test_where_nothing_can_be_learned_it_is_said_why(cases: list[Case], why: str) -> None:
    report = judge(rows(cases), SHIPPED)
    assert (report.found, report.better) == (None, False)
    assert why in told(report)
    assert told(report).endswith("The present combiner stays.")


async def test_a_better_one_is_used_from_then_on_and_everything_is_matched_anew(alone: Sessions) -> None:
    await happen(alone, need(), proposal())
    await answered(alone, judged(TRUTH, 80))
    first = await train(alone)
    assert (first.adopted, first.rematched, len(await waiting(alone))) == (True, 2, 2)
    async with alone() as db:
        assert await current(db) == first.found
        (row,) = (await db.scalars(select(LearnedCombiner))).all()
    assert row.figures["compared"] == as_json(first)["compared"]
    assert (await train(alone)).adopted is False


async def test_to_try_it_changes_nothing(alone: Sessions) -> None:
    await store(alone, need())
    await settle(alone)
    await answered(alone, judged(TRUTH, 80))
    report = await train(alone, dry=True)
    assert (report.better, report.adopted, await waiting(alone)) == (True, False, [])
    async with alone() as db:
        assert await current(db) == SHIPPED


async def test_the_latest_adopted_one_is_used_and_the_earlier_ones_stay(alone: Sessions) -> None:
    made = []
    for bias in (-3.0, -2.0):
        async with alone() as db, db.begin():
            made.append(await adopt(db, Combiner("fitted", bias, SHIPPED.weights), {}))
    async with alone() as db:
        assert await current(db) == made[1]
        assert len((await db.scalars(select(LearnedCombiner))).all()) == 2
    assert made[0].version != made[1].version


async def test_what_is_open_waits_once_however_often_it_is_called(alone: Sessions) -> None:
    one, closed, taken_back = need(), need(), proposal()
    others = [proposal() for _ in range(4)]
    await happen(alone, one, closed, taken_back, *others)
    await happen(
        alone,
        need(NeedClosed, need_id=closed.need_id, version=2),
        proposal(ProposalWithdrawn, proposal_id=taken_back.proposal_id, version=2),
    )
    assert await rematch(alone, most=2) == 5
    assert await rematch(alone, most=2) == 0
    tasks = {(task.kind, task.id) for task in await waiting(alone)}
    assert tasks == {("need", one.need_id), *(("proposal", other.proposal_id) for other in others)}


def test_a_report_cannot_be_written_where_there_is_no_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        training.main(["--json", str(tmp_path / "none" / "report.json")])
    assert ended.value.code == 2
    assert "name a file in one that exists" in capsys.readouterr().err
