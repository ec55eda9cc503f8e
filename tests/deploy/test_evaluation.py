"""Sets are measured as the service scores, and a wrong one is told by file, line and field."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from deploy.evaluation.run import Set, evaluate, ranked
from deploy.evaluation.sets import read
from deploy.problems import Problem
from services.matching.scoring.texts import Text
from shared.vocabulary import Language

NEEDS = [
    {"id": "n1", "title": "Reverse osmosis of rinsing water", "text": "", "lang": "en"},
    {"id": "n2", "title": "电动汽车电池回收", "text": "", "lang": "zh"},
]
PROPOSALS = [
    {"id": "p1", "title": "Recyclage van autobatterijen", "text": "", "lang": "nl"},
    {"id": "p2", "title": "Membranes that clean rinsing water", "text": "", "lang": "en"},
    {"id": "p3", "title": "Training of lawyers", "text": "", "lang": "en"},
]
QRELS = "n1\tp2\t3\nn2\tp1\t2\nn1\tp3\t0\n"


def written(folder: Path, **other: Any) -> Path:
    """A set of two needs and three proposals."""
    meta = {"name": "small", "candidates": "all"} | other.get("meta", {})
    (folder / "meta.json").write_text(json.dumps(meta))
    for name, rows in (("needs", other.get("needs", NEEDS)), ("proposals", other.get("proposals", PROPOSALS))):
        (folder / f"{name}.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    (folder / "qrels.tsv").write_text(other.get("qrels", QRELS))
    return folder


def test_a_set_in_three_languages_is_measured(tmp_path: Path, have_models: None) -> None:
    file = tmp_path / "figures.json"
    evaluate([written(tmp_path)], tmp_path / "state", file)
    (found,) = orjson.loads(file.read_bytes())
    assert (found["name"], found["ndcg@10"], found["p@1"], found["recall@50"]) == ("small", 1.0, 1.0, 1.0)
    assert set(found["baselines"]) == {"bm25", "embedding"}
    assert found["seconds"] > 0


def test_gains_are_two_to_the_grade_and_what_nobody_judged_counts_nothing() -> None:
    text = Text("a", "", Language.ENGLISH)
    of = Set("x", "judged", [text], [text] * 3, np.array([[3, -1, 1]]))
    worst = ranked(of, np.array([[0.0, 9.0, 1.0]], np.float32))
    assert worst.first == 1.0
    assert worst.ndcg == pytest.approx((1 + 7 / np.log2(3)) / (7 + 1 / np.log2(3)))
    everyone = Set("x", "all", [text], [text] * 3, np.array([[3, -1, 1]]))
    assert ranked(everyone, np.array([[0.0, 9.0, 1.0]], np.float32)).first == 0.0


def test_titles_that_are_companies_names_are_no_evidence(tmp_path: Path) -> None:
    named = [{"id": f"p{n}", "title": f"Aqua{n} Holding", "text": "Cleans water.", "lang": "en"} for n in range(1, 4)]
    assert [text.title for text in read(written(tmp_path, proposals=named)).proposals] == ["", "", ""]
    told = [row | {"text": "Cleans water."} for row in PROPOSALS]
    assert all(text.title for text in read(written(tmp_path, proposals=told)).proposals)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"needs": [NEEDS[0] | {"lang": "fr"}]}, "needs.jsonl, line 1, field lang"),
        ({"needs": [NEEDS[0], NEEDS[0]]}, "needs.jsonl, line 2, field id"),
        ({"proposals": [PROPOSALS[0] | {"title": " "}]}, "proposals.jsonl, line 1, field title"),
        ({"proposals": []}, "proposals.jsonl holds no texts"),
        ({"qrels": "n1\tp2\t4"}, "qrels.tsv, line 1"),
        ({"qrels": "n1 p2 3"}, "qrels.tsv, line 1"),
        ({"meta": {"candidates": "some"}}, "meta.json, field candidates"),
    ],
)
def test_a_wrong_set_is_told_by_file_line_and_field(tmp_path: Path, other: dict[str, Any], says: str) -> None:
    with pytest.raises(Problem, match=says):
        read(written(tmp_path, **other))


@pytest.mark.parametrize("spoil", [lambda file: file.unlink(), lambda file: file.write_bytes(b"\xff")])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, spoil: Callable[[Path], Any]) -> None:
    spoil(written(tmp_path) / "qrels.tsv")
    with pytest.raises(Problem, match=r"qrels\.tsv can't be read"):
        read(tmp_path)
