"""Sets of needs and proposals whose answers are known, as they are read from a folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from deploy.problems import Problem
from services.matching.scoring.texts import Text
from shared.vocabulary import Language

JUDGED = "judged"
NAMES = 0.9
"""From this share of titles that look like names on, all of them are taken for companies' names."""
NAME_WORDS = 3
Model = TypeVar("Model", bound=BaseModel)


class Line(BaseModel):
    """One text in needs.jsonl or proposals.jsonl."""

    id: str
    title: str
    text: str
    lang: Language


class Meta(BaseModel):
    """What meta.json says."""

    name: str
    candidates: Literal["all", "judged"]


@dataclass(frozen=True)
class Set:
    """A set: texts, and how well each proposal answers each need."""

    name: str
    candidates: str
    needs: list[Text]
    proposals: list[Text]
    grades: NDArray[np.int_]
    """Needs by proposals: 0 to 3, or -1 where nobody judged."""

    @property
    def good(self) -> NDArray[np.bool_]:
        """Which pairs are good: a grade of 2 or 3, or 1 where no grade is higher."""
        return np.asarray(self.grades >= min(2, self.grades.max()))


def read(folder: Path) -> Set:
    """Read a set.

    Raises:
        Problem: a file is missing or holds something wrong; the message names the file, the line and the field.
    """
    meta = _one(folder / "meta.json", _text(folder / "meta.json"), Meta)
    needs, proposals = _lines(folder / "needs.jsonl"), _lines(folder / "proposals.jsonl")
    named = _are_names(proposals)
    return Set(
        meta.name,
        meta.candidates,
        [_as_text(line) for line in needs],
        [_as_text(line, named=named) for line in proposals],
        _grades(folder / "qrels.tsv", needs, proposals),
    )


def _as_text(line: Line, *, named: bool = False) -> Text:
    return Text("" if named and line.text.strip() else line.title.strip(), line.text.strip(), line.lang)


def _are_names(proposals: list[Line]) -> bool:
    """Whether the titles are companies' names, which are no evidence: few words, all capitalised, above a text."""
    told = [line.title.split() for line in proposals if line.text.strip()]
    alike = [len(words) <= NAME_WORDS and not any(word[:1].islower() for word in words) for words in told]
    latin = [any(letter.isascii() and letter.isalpha() for word in words for letter in word) for words in told]
    return bool(told) and sum(a and b for a, b in zip(alike, latin, strict=True)) >= NAMES * len(told)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"{file} can't be read: {error}.", "A set is a folder as ../shared/eval has them.") from error


def _one(place: Path | str, text: str, model: type[Model]) -> Model:
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"])) or "the whole"
        raise Problem(f"{place}, field {field}: {first['msg']}.") from error


def _lines(file: Path) -> list[Line]:
    lines = [
        _one(f"{file}, line {n}", line, Line) for n, line in enumerate(_text(file).splitlines(), 1) if line.strip()
    ]
    ids = [line.id for line in lines]
    if not lines:
        raise Problem(f"{file} holds no texts.")
    for number, line in enumerate(lines, 1):
        if not (line.title.strip() or line.text.strip()):
            raise Problem(f"{file}, line {number}, field title: is empty, and so is text.")
        if line.id in ids[: number - 1]:
            raise Problem(f"{file}, line {number}, field id: {line.id} is there twice.")
    return lines


def _grades(file: Path, needs: list[Line], proposals: list[Line]) -> NDArray[np.int_]:
    rows = {line.id: place for place, line in enumerate(needs)}
    columns = {line.id: place for place, line in enumerate(proposals)}
    grades = np.full((len(needs), len(proposals)), -1)
    for number, line in enumerate(_text(file).splitlines(), 1):
        match line.split("\t"):
            case [need, proposal, grade] if need in rows and proposal in columns and grade in ("0", "1", "2", "3"):
                grades[rows[need], columns[proposal]] = int(grade)
            case [""]:
                continue
            case _:
                raise Problem(f"{file}, line {number}: need, proposal and grade (0 to 3) must be there, tab-separated.")
    return grades
