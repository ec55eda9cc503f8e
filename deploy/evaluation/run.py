"""How well matching ranks, on sets whose answers are known, by the functions that the service scores with."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import orjson
from numpy.typing import NDArray
from rich.table import Table

from deploy.evaluation.sets import JUDGED, Set, read
from deploy.evaluation.vectors import Vectors
from deploy.problems import disk
from deploy.screen import console
from services.matching.scoring.background import Background, Encoded, Matrix, Prepared, Side, joined, wanted
from services.matching.scoring.combiner import SHIPPED, Combiner
from services.matching.scoring.encoders import models
from services.matching.scoring.fitting import NEGATIVES, Case, calibrated, cross_fitted, unjudged
from services.matching.scoring.packing import place, question
from services.matching.scoring.reference import reference, shipped
from services.matching.scoring.reliability import calibration_error, reliability
from services.matching.scoring.scorer import seen
from services.matching.scoring.texts import Text
from services.matching.scoring.words import Frequencies, bm25_answer, bm25_question, products, tokens

Figures: TypeAlias = dict[str, Any]
TOP, CANDIDATES = 10, 50


@dataclass(frozen=True)
class Ranking:
    """How good an order of the proposals is, on average over the needs."""

    ndcg: float
    """At 10, gains of 2 to the grade less 1."""
    first: float
    """The share of needs whose first proposal has a grade."""

    def figures(self) -> Figures:
        """As they are written down."""
        return {"ndcg@10": round(self.ndcg, 4), "p@1": round(self.first, 4)}


def evaluate(folders: Sequence[Path], state: Path, file: Path | None, *, calibrate: bool = False) -> None:
    """Measure each set, show the figures, and write them down.

    Args:
        folders: a set each.
        state: where vectors are kept.
        file: for the figures, as JSON.
        calibrate: fit the shipped combiner's bias and scale to these sets, and show them.

    Raises:
        Problem: a folder holds no set, or a wrong one; the message names the file, the line and the field.
    """
    sets = [read(folder) for folder in folders]
    found, judged = [], []
    with Vectors(state) as vectors:
        for each in sets:
            with console.status(f"{each.name}: {len(each.needs)} needs, {len(each.proposals)} proposals ..."):
                figures, cases = measure(each, vectors)
            _show(figures)
            found.append(figures)
            judged.append(cases)
    if calibrate:
        fitted = calibrated(judged, SHIPPED)
        console.print(f"calibrated: bias {fitted.bias:.2f}, weights {fitted.weights}")
    if file:
        with disk():
            file.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))


def measure(of: Set, vectors: Vectors) -> tuple[Figures, list[Case]]:
    """All figures of one set, and what was seen of the pairs that its probabilities are held against."""
    start = time.perf_counter()
    texts = {Side.NEED: _encoded(of.needs, vectors), Side.PROPOSAL: _encoded(of.proposals, vectors)}
    embedded = time.perf_counter() - start
    background = Background(shipped() or _encoded(reference(), vectors), texts)
    ready = {side: background.prepared(side, each) for side, each in texts.items()}
    pairs = _pairs(background, ready)
    scores = np.array([[SHIPPED.log_odds(pair) for pair in row] for row in pairs], np.float32)
    seconds = time.perf_counter() - start
    ours = ranked(of, scores)
    cases = _cases(of, pairs)
    return {
        "name": of.name,
        **ours.figures(),
        "p@1 where identical texts are one": round(_alike(of, scores), 4),
        "recall@50": round(_recall(of, ready), 4),
        "seconds": round(seconds, 1),
        "seconds embedding": round(embedded, 1),
        "baselines": {
            "bm25": ranked(of, _bm25(of)).figures(),
            "embedding": ranked(of, _plain(texts)).figures(),
        },
        "calibration": {
            "negatives a need": NEGATIVES,
            "shipped": _held([SHIPPED.probability(case.signals) for case in cases], cases),
            "fitted to this set, out of fold": _held(cross_fitted(cases, _recalibrated), cases),
        },
    }, cases


def ranked(of: Set, scores: Matrix) -> Ranking:
    """How good the order by these scores is; ties in the order of the file."""
    discounts = 1 / np.log2(np.arange(2, TOP + 2))

    def gain(grades: NDArray[np.int_]) -> float:
        return float(((2.0**grades - 1) * discounts[: len(grades)]).sum())

    ndcg, first = [], []
    for grades, order in zip(of.grades, _orders(of, scores), strict=True):
        best = gain(np.sort(np.maximum(grades, 0))[::-1][:TOP])
        ndcg.append(gain(np.maximum(grades[order[:TOP]], 0)) / best if best else 0.0)
        first.append(float(grades[order[0]] > 0))
    return Ranking(float(np.mean(ndcg)), float(np.mean(first)))


def _orders(of: Set, scores: Matrix) -> list[NDArray[np.int_]]:
    """For each need its candidates, best first."""
    orders = []
    for grades, row in zip(of.grades, scores, strict=True):
        candidates = np.flatnonzero(grades >= 0) if of.candidates == JUDGED else np.arange(len(row))
        orders.append(candidates[np.argsort(-row[candidates], kind="stable")])
    return orders


def _alike(of: Set, scores: Matrix) -> float:
    """As P@1, but a proposal whose text is that of one with a grade counts as it."""
    wholes = np.array([text.whole for text in of.proposals])
    firsts = [order[0] for order in _orders(of, scores)]
    return float(
        np.mean([(grades[wholes == wholes[j]] > 0).any() for grades, j in zip(of.grades, firsts, strict=True)])
    )


def _pairs(background: Background, ready: Mapping[Side, Sequence[Prepared]]) -> list[list[dict[str, float]]]:
    """What is seen of each need with each proposal, none of their challenges being known."""
    return [seen(background, Side.NEED, need, ready[Side.PROPOSAL]) for need in ready[Side.NEED]]


def _cases(of: Set, pairs: Sequence[Sequence[Mapping[str, float]]]) -> list[Case]:
    """What was judged, and for each need so many pairs that nobody judged, which count as no match."""
    cases = []
    for number, (grades, row) in enumerate(zip(of.grades, pairs, strict=True)):
        judged = {str(one) for one in np.flatnonzero(grades >= 0)}
        drawn = unjudged(str(number), [str(one) for one in range(len(row))], judged)
        for one in sorted(map(int, [*judged, *drawn])):
            cases.append(Case(str(number), row[one], bool(of.good[number, one])))
    return cases


def _recalibrated(cases: Sequence[Case]) -> Combiner:
    return calibrated([cases], SHIPPED)


def _held(probabilities: Sequence[float], cases: Sequence[Case]) -> Figures:
    """How far probabilities are from what the grades say."""
    bins = reliability(probabilities, [case.good for case in cases])
    return {"error": round(calibration_error(bins), 4), "bins": [asdict(each) for each in bins]}


def _recall(of: Set, ready: Mapping[Side, Sequence[Prepared]]) -> float:
    """The share of the good proposals that are among the 50 which a search finds, on average over the needs."""
    places = np.stack([place(text, Side.PROPOSAL) for text in ready[Side.PROPOSAL]])
    asked = np.stack([question(text) for text in ready[Side.NEED]])
    found = np.argsort(-(asked @ places.T), axis=1, kind="stable")[:, :CANDIDATES]
    good = of.good
    shares = [row[near].sum() / row.sum() for row, near in zip(good, found, strict=True) if row.any()]
    return float(np.mean(shares))


def _bm25(of: Set) -> Matrix:
    """Plain BM25 of the headings."""
    seen = Frequencies.of([tokens(text.heading) for text in of.proposals])
    return products(
        [bm25_question(tokens(text.heading), seen) for text in of.needs],
        [bm25_answer(tokens(text.heading), seen) for text in of.proposals],
    )


def _plain(texts: Mapping[Side, Sequence[Encoded]]) -> Matrix:
    """The plain cosine of the headings' vectors."""
    needs, proposals = (
        np.stack([text.vectors[models(text.text.language)[0]][0] for text in texts[side]])
        for side in (Side.NEED, Side.PROPOSAL)
    )
    return np.asarray(needs @ proposals.T, np.float32)


def _encoded(texts: Sequence[Text], vectors: Vectors) -> list[Encoded]:
    return joined(texts, {model: vectors.of(model, parts) for model, parts in wanted(texts).items()})


def _show(figures: Figures) -> None:
    table = Table("", "nDCG@10", "P@1", box=None, padding=(0, 3, 0, 0), title=figures["name"], title_justify="left")
    for name, row in ({"platform": figures} | figures["baselines"]).items():
        table.add_row(name, f"{row['ndcg@10']:.3f}", f"{row['p@1']:.3f}")
    console.print(table)
    console.print(
        f"recall@50 of the candidates {figures['recall@50']:.3f}; P@1 where identical texts are one "
        f"{figures['p@1 where identical texts are one']:.3f}; {figures['seconds']} s, of which embedding "
        f"{figures['seconds embedding']} s"
    )
    shipped, own = (figures["calibration"][name] for name in ("shipped", "fitted to this set, out of fold"))
    console.print(
        f"probabilities are off by {shipped['error']:.3f} on average; fitted to this set, out of fold, by "
        f"{own['error']:.3f} ({NEGATIVES} unjudged pairs a need count as no match)\n"
    )
