"""The overview of needs over HTTP: how many, which ones, and as files. It tells of no person and no organisation."""

import csv
import io
from collections import Counter
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response
from pydantic import BaseModel
from sqlalchemy import ColumnElement
from sqlalchemy.orm import load_only
from sqlmodel import col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from services.regions.models import Need
from services.regions.rules import guarded
from shared.auth import NetworkPerson
from shared.db import Db
from shared.events import Budget, Capacity
from shared.http import Page, Session, queries
from shared.vocabulary import Challenge, Language, Region, storable, trimmed

read = queries()

MOST = 10_000
"""Rows of a file."""

Words = Annotated[str, trimmed(200), storable]


class State(StrEnum):
    """Which needs are looked at."""

    OPEN = "open"
    CLOSED = "closed"
    ALL = "all"


class _Filters:
    """Which needs are looked at; `text` is looked for in title and body."""

    def __init__(
        self,
        region: Region | None = None,
        challenge: Challenge | None = None,
        language: Language | None = None,
        state: State = State.OPEN,
        text: Annotated[Words | None, Query()] = None,
    ) -> None:
        self.challenge = challenge
        self._region, self._language, self._state, self._text = region, language, state, text

    def conditions(self) -> list[ColumnElement[bool]]:
        """What holds for each need that is looked at."""
        equal = ((Need.region, self._region), (Need.language, self._language))
        made = [col(column) == value for column, value in equal if value]
        if self.challenge:
            made.append(col(Need.challenges).contains([self.challenge]))
        if self._state is not State.ALL:
            made.append(col(Need.closed).is_(self._state is State.CLOSED))
        if self._text:
            title, body = (col(text).icontains(self._text, autoescape=True) for text in (Need.title, Need.body))
            made.append(title | body)
        return made


Filters = Annotated[_Filters, Depends()]


class Cell(BaseModel):
    """How many needs of one region come under one challenge; a need may come under several."""

    region: Region
    challenge: Challenge
    needs: int


class RegionTotal(BaseModel):
    """How many needs one region has, each of which counts once."""

    region: Region
    needs: int


class ChallengeTotal(BaseModel):
    """How many needs come under one challenge."""

    challenge: Challenge
    needs: int


class Overview(BaseModel):
    """How many needs there are, by region and challenge; what has none is left out."""

    cells: list[Cell]
    regions: list[RegionTotal]
    challenges: list[ChallengeTotal]
    total: int


class OverviewNeed(BaseModel):
    """What of a need everybody but partner systems may see."""

    need_id: UUID
    region: Region
    title: str
    language: Language
    challenges: tuple[Challenge, ...]
    deadline: date | None
    closed: bool
    parts: tuple[str, ...]
    capacity: Capacity | None
    budget: Budget | None
    minimum_trl: int | None
    site: str | None
    industry: str | None


class CsvFile(Response):
    """A table for a spreadsheet."""

    media_type = "text/csv"


@read.get("/overview")
async def count_needs(caller: NetworkPerson, db: Session, filters: Filters) -> Overview:
    """How many needs there are for each region and challenge."""
    challenge = func.unnest(Need.challenges).column_valued("challenge")
    table = select(Need.region, challenge, func.count()).where(*filters.conditions())
    if filters.challenge:
        table = table.where(challenge == filters.challenge)
    rows = (await db.execute(table.group_by(Need.region, challenge).order_by(Need.region, challenge))).all()
    once = select(Need.region, func.count()).where(*filters.conditions()).group_by(col(Need.region))
    regions = (await db.execute(once.order_by(col(Need.region)))).all()
    challenges: Counter[int] = Counter()
    for _, number, count in rows:
        challenges[number] += count
    return Overview(
        cells=[Cell(region=region, challenge=number, needs=count) for region, number, count in rows],
        regions=[RegionTotal(region=region, needs=count) for region, count in regions],
        challenges=[ChallengeTotal(challenge=number, needs=count) for number, count in sorted(challenges.items())],
        total=sum(count for _, count in regions),
    )


@read.get("/overview/needs")
async def list_needs(caller: NetworkPerson, db: Session, filters: Filters, page: Page) -> list[OverviewNeed]:
    """The needs themselves, by id; `after` is the last id of the page before."""
    return _shown(await page.of(db, _needs(filters), Need.need_id))


@read.get("/overview/needs.csv", response_class=CsvFile)
async def download_csv(caller: NetworkPerson, db: Session, filters: Filters) -> CsvFile:
    """The needs as a table, 10,000 of them at most; a spreadsheet opens it with its Chinese text."""
    file = io.StringIO()
    table = csv.writer(file)
    table.writerow(OverviewNeed.model_fields)
    for need in await _all(db, filters):
        table.writerow(map(_cell, need.model_dump(mode="json").values()))
    return CsvFile(file.getvalue().encode("utf-8-sig"), headers=_named("csv"))


@read.get("/overview/needs.json")
async def download_json(caller: NetworkPerson, db: Session, filters: Filters, response: Response) -> list[OverviewNeed]:
    """The needs as JSON, 10,000 of them at most."""
    response.headers.update(_named("json"))
    return await _all(db, filters)


async def _all(db: Db, filters: _Filters) -> list[OverviewNeed]:
    query = _needs(filters).order_by(col(Need.region), col(Need.need_id)).limit(MOST)
    return _shown(await db.scalars(query))


def _needs(filters: _Filters) -> SelectOfScalar[Need]:
    """The needs that are looked at; not their long texts, which would make a file of many a heavy one."""
    columns = [getattr(Need, name) for name in OverviewNeed.model_fields]
    return select(Need).where(*filters.conditions()).options(load_only(*columns, raiseload=True))


def _shown(rows: Iterable[Need]) -> list[OverviewNeed]:
    return [OverviewNeed.model_validate(row, from_attributes=True) for row in rows]


def _named(kind: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="i2pcc-needs.{kind}"'}


def _cell(value: object) -> object:
    """A value as one cell: the members of a list or an object, one after the other."""
    match value:
        case list():
            return guarded("; ".join(map(str, value)))
        case dict():
            return guarded(" ".join(map(str, value.values())))
        case str():
            return guarded(value)
        case _:
            return value
