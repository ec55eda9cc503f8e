"""Whatever people write, the pages that show it show it as text."""

import html
from typing import Any
from uuid import UUID, uuid4

import pytest

from deploy.waiting import until
from services.matching.rules import match_id
from shared.vocabulary import Region
from tests.browser import Browser, check_problem, registered_company
from tests.factories import company_body, contact_body, need_body, proposal_body, region_person
from tests.routes import WITH_BODY, Route

MARKUP = "<script>alert(1)</script><img src=x onerror='alert(2)'>\"&{{7*7}}"


async def test_markup_in_every_text_is_shown_and_never_run(operator: Browser) -> None:
    mark = uuid4().hex
    text = f"{mark} {MARKUP}"
    company, _ = await registered_company(operator, name=text)
    contact = contact_body(name=text, organisation=text)
    ours = await company.done("intake", "/v1/contacts", contact)
    region = operator.of(region_person(Region.CHONGQING))
    theirs = await region.done("regions", "/v1/contacts", contact | {"language": "zh"})
    fields = {"title": text, "body": text, "challenges": [11]}
    proposal = await company.done("intake", "/v1/proposals", proposal_body(ours["contact_id"], **fields))
    need = await region.done("regions", "/v1/needs", need_body(theirs["contact_id"], **fields))
    match = f"/v1/matches/{match_id(UUID(need['need_id']), UUID(proposal['proposal_id']))}"

    async def reached(state: str) -> bool:
        return bool((await region.read("matching", match)).json().get("state") == state)

    mailbox = operator.platform.urls["mailbox"]

    async def mails() -> list[dict[str, Any]]:
        """What the match's parties got: there may be a mail that nothing matched yet, and coordinators' copies."""
        deliveries = (await operator.read("notify", f"{match}/deliveries")).json()
        sent = {f"<{each['delivery_id']}@i2pcc.local>" for each in deliveries if each["party"] in ("need", "proposal")}
        caught = (await operator.http.get(f"{mailbox}/messages")).json()
        return [mail for mail in caught if mail["message_id"] in sent]

    async def both_are_told() -> bool:
        return len(await mails()) == 2

    async def match_is_known() -> bool:
        return bool((await operator.read("notify", f"{match}/deliveries")).is_success)

    assert await until(lambda: reached("presented"), 60)
    assert await until(match_is_known, 60)
    assert await until(both_are_told, 60)
    version = (await region.read("matching", match)).json()["version"]
    await region.done("matching", f"{match}/accept", {"version": version})
    assert await until(lambda: reached("introduced"), 60)

    caught = await mails()
    assert len(caught) == 4
    for page in ("/", *(f"/messages/{mail['id']}" for mail in caught)):
        shown = (await operator.http.get(f"{mailbox}{page}")).text
        assert f"{mark} {html.escape(MARKUP[:20])}" in shown
        assert "<script" not in shown
        assert "<img" not in shown
    for service in ("intake", "regions", "matching", "notify"):
        for page in ("/docs", "/events"):
            assert mark not in (await operator.http.get(f"{operator.platform.urls[service]}{page}")).text


@pytest.mark.parametrize("route", WITH_BODY, ids=str)
async def test_markup_in_a_refused_text_comes_back_as_json_alone(operator: Browser, route: Route) -> None:
    body = company_body(operator.person, province=MARKUP) | {MARKUP: MARKUP}
    answer = await operator.of(route.user()).send(route.service, route.at(), body, method=route.method)
    check_problem(answer, 422)
