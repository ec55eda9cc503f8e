"""Learning from answers: a new combiner is fitted, and takes over if it says better what became of needs it never saw.

`i2pcc matching train`, or `python -m services.matching.training` where the service's own settings are.
"""

import argparse
import asyncio
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from sqlmodel import select

from services.matching.combiners import adopt, current
from services.matching.models import TrainingRow
from services.matching.rematch import on_tables, rematch
from services.matching.scoring.combiner import SHIPPED, SIGNALS, Combiner
from services.matching.scoring.fitting import FOLDS, NEGATIVES, RIDGE, Case, cross_fitted, fitted
from services.matching.scoring.reliability import agreement, brier, calibration_error, log_losses, mean, reliability
from shared.db import Sessions
from shared.settings import Database

FEWEST = 30
"""Judged matches that are needed to learn from."""
ERRORS = 2.0
"""How many of its own standard errors the gain must be, so that it is not chance: one would do in each sixth try."""


@dataclass(frozen=True)
class Figures:
    """How well a combiner says what became of pairs whose needs it was not fitted to."""

    log_loss: float
    brier: float
    calibration_error: float
    agreement: float | None
    """Of a good and a not good pair of the same need, how often the good one has more."""


@dataclass(frozen=True)
class Comparison:
    """The present combiner and the one that was learned, on pairs of needs that the learned one has not seen."""

    held: Figures
    """Of the present one; if it was learned too, it has seen some of them."""
    learned: Figures
    gain: float
    """By how much the mean log loss is lower."""
    error: float
    """The gain's standard error, over needs: answers on the same need go together."""

    @property
    def better(self) -> bool:
        """Whether the learned one is better by more than chance."""
        return self.gain > ERRORS * self.error

    @property
    def reason(self) -> str:
        """Why the one or the other is taken."""
        told = "more" if self.better else "not more"
        return (
            f"On unseen needs the log loss falls by {self.gain:.4f}: {told} than chance ({ERRORS:g} × {self.error:.4f})"
        )


@dataclass(frozen=True)
class Report:
    """What training found and did."""

    answers: int
    judged: int
    """Matches of which an answer says whether the two fit, and of which it is known what had been seen."""
    good: int
    needs: int
    present: Combiner
    found: Combiner | None
    """None: there was too little to learn from."""
    compared: Comparison | None
    reason: str
    adopted: bool = False
    rematched: int = 0

    @property
    def better(self) -> bool:
        """Whether what was found is to take over."""
        return self.compared is not None and self.compared.better


def cases_of(rows: Sequence[TrainingRow]) -> list[Case]:
    """What can be learned from: of each match the latest answer that judges it, if it is known what had been seen.

    Signals with other names than today's cannot be compared with today's.
    """
    judging = sorted((row for row in rows if row.good is not None), key=lambda row: row.version)
    latest = {row.match_id: row for row in judging if row.signals and row.signals.keys() <= {*SIGNALS}}
    return [Case(str(row.need_id), row.signals or {}, bool(row.good)) for row in latest.values()]


def judge(rows: Sequence[TrainingRow], present: Combiner) -> Report:
    """Fit a combiner, compare it with the present one on unseen needs, and say which is to be used.

    The prior is the shipped one, not the present: that has learned from these answers, which would then count twice.
    """
    cases = cases_of(rows)
    good, needs = [case.good for case in cases], [case.need for case in cases]
    counted = partial(Report, len(rows), len(cases), sum(good), len(set(needs)), present)
    if lacking := _lacking(cases):
        return counted(None, None, lacking)
    fit = partial(fitted, prior=SHIPPED)
    before, after = [present.probability(case.signals) for case in cases], cross_fitted(cases, fit)
    gain, error = _gain(before, after, good, needs)
    compared = Comparison(_figures(before, good, needs), _figures(after, good, needs), gain, error)
    return counted(fit(cases), compared, compared.reason)


async def train(sessions: Sessions, *, dry: bool = False) -> Report:
    """Learn from all answers so far; if that is better, score with it from now on, and match everything anew.

    Args:
        sessions: on matching's tables.
        dry: only find out what would be done.
    """
    async with sessions() as db:
        present = await current(db)
        rows = (await db.scalars(select(TrainingRow))).all()
    report = await asyncio.to_thread(judge, rows, present)
    if dry or not report.better or not report.found:
        return report
    async with sessions() as db, db.begin():
        found = await adopt(db, report.found, as_json(report))
    return replace(report, found=found, adopted=True, rematched=await rematch(sessions))


def as_json(report: Report) -> dict[str, Any]:
    """All figures, and the rule that decided."""
    rule = {"fewest": FEWEST, "errors": ERRORS, "folds": FOLDS, "ridge": RIDGE, "negatives": NEGATIVES}
    return asdict(report) | {"better": report.better, "rule": rule}


def told(report: Report) -> str:
    """The same for people: a small table, and what was decided."""
    counts = (
        f"{report.answers} answers; {report.judged} judged matches of {report.needs} needs, {report.good} of them good."
    )
    deeds = (
        f"{report.found.version} is in use; {report.rematched} needs and proposals more wait." if report.found else ""
    )
    kept = "Replacing it is possible." if report.better else "The present combiner stays."
    return "\n".join([counts, *_table(report), f"{report.reason}.", deeds if report.adopted else kept])


def _table(report: Report) -> list[str]:
    if not (report.found and report.compared):
        return []
    present, found = report.present, report.found
    numbers = {"bias": (present.bias, found.bias)}
    numbers |= {name: (present.weights[name], found.weights[name]) for name in SIGNALS}
    held, learned = asdict(report.compared.held), asdict(report.compared.learned)
    numbers |= {name.replace("_", " "): (held[name], learned[name]) for name in held}
    head = f"{'':<18}{present.version:>12}{found.version:>12}"
    return [head, *(f"{name:<18}{_number(old):>12}{_number(new):>12}" for name, (old, new) in numbers.items())]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _lacking(cases: Sequence[Case]) -> str:
    """What is missing to learn anything; nothing, if there is enough."""
    if len(cases) < FEWEST:
        return f"There is too little to learn from: {len(cases)} judged matches, and {FEWEST} are needed"
    if len({case.good for case in cases}) == 1:
        return f"All of them were judged {'good' if cases[0].good else 'not good'}: there is nothing to tell apart"
    needs = len({case.need for case in cases})
    return f"They are of {needs} needs, and {FOLDS} are needed to try it on unseen ones" if needs < FOLDS else ""


def _figures(probabilities: Sequence[float], good: Sequence[bool], needs: Sequence[str]) -> Figures:
    return Figures(
        mean(log_losses(probabilities, good)),
        brier(probabilities, good),
        calibration_error(reliability(probabilities, good)),
        agreement(probabilities, good, needs),
    )


def _gain(
    before: Sequence[float], after: Sequence[float], good: Sequence[bool], needs: Sequence[str]
) -> tuple[float, float]:
    """The mean fall of the log loss, and its standard error, where each need's cases are one observation."""
    falls = [old - new for old, new in zip(log_losses(before, good), log_losses(after, good), strict=True)]
    gain, counts = mean(falls), Counter(needs)
    sums = dict.fromkeys(counts, 0.0)
    for need, fall in zip(needs, falls, strict=True):
        sums[need] += fall
    spread = math.fsum((total - gain * counts[need]) ** 2 for need, total in sums.items())
    return gain, math.sqrt(spread * len(sums) / (len(sums) - 1)) / len(falls)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train where the service's own settings are."""
    parser = argparse.ArgumentParser(prog="python -m services.matching.training", description="Learn from answers.")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures to this file too")
    parser.add_argument("--dry-run", action="store_true", help="only tell what would be done")
    asked = parser.parse_args(arguments)
    if asked.json and not asked.json.absolute().parent.is_dir():
        parser.error(f"--json: there is no folder {asked.json.parent}; name a file in one that exists")
    report = asyncio.run(on_tables(Database(), partial(train, dry=asked.dry_run)))
    if asked.json:
        asked.json.write_bytes(orjson.dumps(as_json(report), option=orjson.OPT_INDENT_2))
    print(told(report))


if __name__ == "__main__":
    main()
