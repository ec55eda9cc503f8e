"""The overview of needs over HTTP: counts, the needs, and files."""

import csv
import io
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from shared.vocabulary import Region
from tests.browser import Browser, check_problem, region_with_contact
from tests.factories import company_person, need_body

OVERVIEW = "/v1/overview"
FULL = {
    "organisation": "Foshan Nanhai Buses",
    "parts": ["An electrolyser", "A compressor"],
    "site": "Nanhai",
    "industry": "Transport",
    "capacity": {"amount": 800.5, "unit": "kg/d"},
    "budget": {"most": 60_000_000, "currency": "CNY"},
    "minimum_trl": 8,
}
OPEN_TO_ALL = [
    "need_id",
    "region",
    "title",
    "language",
    "challenges",
    "deadline",
    "closed",
    "parts",
    "capacity",
    "budget",
    "minimum_trl",
    "site",
    "industry",
]


@pytest_asyncio.fixture
async def mark() -> str:
    """A word that stands in one test's needs alone."""
    return f"100%_{uuid4().hex}"


@pytest_asyncio.fixture
async def needs(operator: Browser, mark: str) -> list[Any]:
    """Three open needs of two regions, and a closed one."""
    hebei, ours = await region_with_contact(operator, Region.HEBEI)
    chengdu, theirs = await region_with_contact(operator, Region.CHENGDU)
    made = [
        await browser.done("regions", "/v1/needs", need_body(contact, **fields))
        for browser, contact, fields in (
            (hebei, ours, {"title": f"In a title {mark}", "challenges": [4, 5]} | FULL),
            (hebei, ours, {"body": f"In a body {mark.upper()}.", "challenges": [5]}),
            (chengdu, theirs, {"title": f"一个标题 {mark}", "language": "zh", "challenges": [5, 7]}),
            (chengdu, theirs, {"title": f"Closed {mark}", "challenges": [7]}),
        )
    ]
    path = f"/v1/needs/{made[-1]['need_id']}/close"
    await chengdu.done("regions", path, {"version": 1, "reason": "fulfilled"})
    return made


def ids(rows: list[Any]) -> set[str]:
    """The needs of these rows."""
    return {row["need_id"] for row in rows}


async def test_the_table_counts_needs_by_region_and_challenge_and_each_once_in_the_totals(
    operator: Browser, needs: list[Any], mark: str
) -> None:
    assert (await operator.read("regions", OVERVIEW, text=mark)).json() == {
        "cells": [
            {"region": "chengdu", "challenge": 5, "needs": 1},
            {"region": "chengdu", "challenge": 7, "needs": 1},
            {"region": "hebei", "challenge": 4, "needs": 1},
            {"region": "hebei", "challenge": 5, "needs": 2},
        ],
        "regions": [{"region": "chengdu", "needs": 1}, {"region": "hebei", "needs": 2}],
        "challenges": [{"challenge": 4, "needs": 1}, {"challenge": 5, "needs": 3}, {"challenge": 7, "needs": 1}],
        "total": 3,
    }
    fives = (await operator.read("regions", OVERVIEW, text=mark, challenge=5)).json()
    assert (fives["challenges"], fives["total"]) == ([{"challenge": 5, "needs": 3}], 3)
    assert [total["needs"] for total in fives["regions"]] == [1, 2]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [0, 1, 2]),
        ({"region": "hebei"}, [0, 1]),
        ({"challenge": 4}, [0]),
        ({"challenge": 7}, [2]),
        ({"language": "zh"}, [2]),
        ({"state": "closed"}, [3]),
        ({"state": "all"}, [0, 1, 2, 3]),
        ({"state": "all", "challenge": 7, "region": "chengdu"}, [2, 3]),
        ({"region": "shaanxi"}, []),
    ],
)
async def test_a_filter_leaves_what_it_says_in_every_form(
    operator: Browser, needs: list[Any], mark: str, query: dict[str, Any], found: list[int]
) -> None:
    wanted = {needs[place]["need_id"] for place in found}
    query = query | {"text": mark}
    assert (await operator.read("regions", OVERVIEW, **query)).json()["total"] == len(wanted)
    for form in ("needs", "needs.json"):
        assert ids((await operator.read("regions", f"{OVERVIEW}/{form}", **query)).json()) == wanted
    assert ids(table(await operator.read("regions", f"{OVERVIEW}/needs.csv", **query))) == wanted


async def test_a_text_is_looked_for_to_the_letter(operator: Browser, needs: list[Any], mark: str) -> None:
    for text in (mark.replace("%", "_"), mark.replace("_", "%"), mark.replace("_", "x"), f"{mark}\\"):
        assert (await operator.read("regions", OVERVIEW, text=text)).json()["total"] == 0


@pytest.mark.parametrize(
    ("field", "wrong"),
    [("region", "limburg"), ("challenge", "12"), ("language", "fr"), ("state", "draft"), ("text", " "), ("text", "\0")],
)
@pytest.mark.parametrize("form", ["", "/needs", "/needs.csv", "/needs.json"])
async def test_a_filter_that_is_none_is_named(operator: Browser, form: str, field: str, wrong: str) -> None:
    check_problem(await operator.read("regions", f"{OVERVIEW}{form}", **{field: wrong}), 422, f"query.{field}")


async def test_nobody_is_told_whose_need_it_is(operator: Browser, needs: list[Any], mark: str) -> None:
    company = operator.of(company_person())
    (need,) = (await company.read("regions", f"{OVERVIEW}/needs", text=mark, challenge=4)).json()
    assert need == {name: needs[0][name] for name in OPEN_TO_ALL}
    for form in ("needs", "needs.csv", "needs.json"):
        shown = (await company.read("regions", f"{OVERVIEW}/{form}", text=mark)).text
        assert FULL["site"] in shown
        assert not [secret for secret in (FULL["organisation"], needs[0]["contact_id"]) if secret in shown]


async def test_needs_are_listed_page_by_page(operator: Browser, needs: list[Any], mark: str) -> None:
    seen: list[str] = []
    query = {"text": mark, "limit": 2}
    while page := (await operator.read("regions", f"{OVERVIEW}/needs", **query)).json():
        seen += [need["need_id"] for need in page]
        query["after"] = seen[-1]
    assert seen == sorted(need["need_id"] for need in needs[:3])


async def test_a_file_is_a_download_with_all_that_the_list_says(operator: Browser, needs: list[Any], mark: str) -> None:
    listed = (await operator.read("regions", f"{OVERVIEW}/needs", text=mark)).json()
    for kind, media in (("csv", "text/csv; charset=utf-8"), ("json", "application/json")):
        file = await operator.read("regions", f"{OVERVIEW}/needs.{kind}", text=mark)
        assert file.headers["content-type"] == media
        assert file.headers["content-disposition"] == f'attachment; filename="i2pcc-needs.{kind}"'
        assert file.headers["cache-control"] == "no-store"
    assert sorted(file.json(), key=lambda need: str(need["need_id"])) == listed


async def test_a_spreadsheet_reads_the_table_and_runs_nothing_in_it(operator: Browser, mark: str) -> None:
    region, contact = await region_with_contact(operator)
    texts = {
        "title": f"=cmd|'{mark}'!A1",
        "site": "+1",
        "industry": "@x",
        "parts": ["-1", 'a "b"; c'],
        "language": "zh",
    }
    await region.done("regions", "/v1/needs", need_body(contact, **FULL | texts))
    file = await operator.read("regions", f"{OVERVIEW}/needs.csv", text=mark)
    assert file.content.startswith(b"\xef\xbb\xbf")
    (row,) = table(file)
    assert list(row) == OPEN_TO_ALL
    assert (row["title"], row["site"], row["industry"]) == (f"'=cmd|'{mark}'!A1", "'+1", "'@x")
    assert (row["parts"], row["challenges"]) == ('\'-1; a "b"; c', "6")
    assert (row["capacity"], row["budget"], row["minimum_trl"]) == ("800.5 kg/d", "60000000 CNY", "8")


def table(answer: httpx.Response) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
