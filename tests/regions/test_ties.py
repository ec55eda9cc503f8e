"""Regions and their ties with provinces, over HTTP."""

import asyncio
from typing import Any

import pytest

from shared.vocabulary import Region, Role
from tests.browser import Browser, check_problem, region_with_contact
from tests.factories import need_body, someone

REGIONS = "/v1/regions"


async def row(browser: Browser, region: Region) -> Any:
    """How a region stands."""
    rows = (await browser.read("regions", REGIONS)).json()
    assert [each["region"] for each in rows] == list(Region)
    return next(each for each in rows if each["region"] == region)


async def tie(browser: Browser, region: Region, version: int, *provinces: str) -> Any:
    """The answer to somebody who says what a region's ties are."""
    body = {"version": version, "provinces": provinces}
    return await browser.send("regions", f"{REGIONS}/{region}/ties", body, method="PUT")


async def test_ties_are_empty_at_first_and_replaced_as_a_whole(operator: Browser) -> None:
    fit = operator.of(someone(Role.COORDINATOR, "fit"))
    before = await row(operator, Region.CHONGQING)
    assert (before["version"], before["provinces"]) == (0, [])
    for version, provinces in ((0, ["limburg", "antwerp", "limburg"]), (1, ["east_flanders"]), (2, [])):
        answer = (await tie(fit, Region.CHONGQING, version, *provinces)).json()
        wanted = {"region": "chongqing", "version": version + 1, "provinces": sorted(set(provinces))}
        assert answer == wanted
        assert wanted.items() <= (await row(operator, Region.CHONGQING)).items()


async def test_of_two_who_say_it_at_once_one_is_told_to_read_again(operator: Browser) -> None:
    flanders = operator.of(someone(Role.COORDINATOR, "cleantech_flanders"))
    for _ in "12":
        version = (await row(operator, Region.CHENGDU))["version"]
        answers = await asyncio.gather(*(tie(flanders, Region.CHENGDU, version, "antwerp") for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


@pytest.mark.parametrize("province", ["other", "brussels", ""])
async def test_a_tie_is_with_a_province(operator: Browser, province: str) -> None:
    answer = await tie(operator.of(someone(Role.COORDINATOR, "fit")), Region.HEBEI, 0, province)
    assert "flemish_brabant" in check_problem(answer, 422)["detail"]


async def test_a_provinces_own_coordinator_says_no_ties(operator: Browser) -> None:
    check_problem(await tie(operator.of(someone(Role.COORDINATOR, "limburg")), Region.HEBEI, 0), 403)


async def test_a_region_stands_there_with_its_open_needs(operator: Browser) -> None:
    region, contact = await region_with_contact(operator, Region.CHONGQING)
    before = (await row(operator, Region.CHONGQING))["open_needs"]
    need = await region.done("regions", "/v1/needs", need_body(contact))
    assert (await row(operator, Region.CHONGQING))["open_needs"] == before + 1
    closure = {"version": 1, "reason": "cancelled"}
    await region.done("regions", f"/v1/needs/{need['need_id']}/close", closure)
    assert (await row(operator, Region.CHONGQING))["open_needs"] == before
