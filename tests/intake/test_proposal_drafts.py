"""Drafts of proposals over HTTP: their company's own, until they are submitted."""

import asyncio
from typing import Any

from shared.events import ProposalFacts
from tests.browser import Browser, check_problem, registered_company
from tests.factories import company_of, company_person, proposal_body, proposal_revision
from tests.intake.puzzles import part_path, puzzle, told
from tests.topics import events_of

DRAFTS = "/v1/proposal-drafts"


def path_of(draft: dict[str, Any]) -> str:
    """Where a draft is."""
    return f"{DRAFTS}/{draft['draft_id']}"


async def test_a_draft_may_lack_anything_and_is_filled_in_step_by_step(operator: Browser) -> None:
    lead, contact = await registered_company(operator)
    draft = await lead.done("intake", DRAFTS, {})
    assert (draft["version"], draft["content"]) == (1, {})
    content = {"title": "A brass band", "maturity": {"trl": 3}, "regions": ["shaanxi", "hebei"], "summary": None}
    edited = await lead.done("intake", path_of(draft), content | {"version": 1}, method="PUT")
    filled_in = {"title": "A brass band", "maturity": {"trl": 3}, "regions": ["hebei", "shaanxi"]}
    assert edited == {"draft_id": draft["draft_id"], "version": 2, "content": filled_in}
    assert (await lead.read("intake", path_of(draft))).json() == edited
    assert (await lead.read("intake", DRAFTS)).json() == [edited]
    whole = await lead.done("intake", path_of(draft), proposal_body(contact) | {"version": 2}, method="PUT")
    assert "maturity" not in whole["content"]


async def test_what_is_there_must_be_good(operator: Browser) -> None:
    lead, _ = await registered_company(operator)
    price = {"least": 2, "most": 1, "currency": "EUR"}
    for field, wrong in (
        ("title", {"title": " "}),
        ("challenges.0", {"challenges": [12]}),
        ("price", {"price": price}),
    ):
        check_problem(await lead.send("intake", DRAFTS, wrong), 422, f"body.{field}")
    check_problem(await lead.send("intake", DRAFTS, {"titel": "x"}), 422, "body.titel")


async def test_a_draft_is_submitted_once_nothing_is_missing(operator: Browser) -> None:
    lead, contact = await registered_company(operator)
    body = proposal_body(contact, regions=["hebei"], teaser="summary")
    draft = await lead.done("intake", DRAFTS, {name: body[name] for name in ("title", "teaser", "regions")})
    problem = check_problem(await lead.send("intake", f"{path_of(draft)}/submit", {"version": 1}), 422)
    missing = {error["field"] for error in problem["errors"]}
    assert missing == {f"body.{name}" for name in ("body", "language", "challenges", "contact_id")}
    await lead.done("intake", path_of(draft), body | {"version": 1}, method="PUT")
    check_problem(await lead.send("intake", f"{path_of(draft)}/submit", {"version": 2}), 422, "body.summary")
    await lead.done("intake", path_of(draft), body | {"version": 2, "summary": "Quiet."}, method="PUT")
    proposal = await lead.done("intake", f"{path_of(draft)}/submit", {"version": 3})
    assert proposal["proposal_id"] == draft["draft_id"]
    assert (proposal["version"], proposal["regions"], proposal["summary"]) == (1, ["hebei"], "Quiet.")
    check_problem(await lead.read("intake", path_of(draft)), 404)
    assert (await lead.read("intake", DRAFTS)).json() == []
    said = await events_of(operator.platform, ProposalFacts, proposal["proposal_id"])
    assert told(said) == [("ProposalSubmitted", 1)]
    assert said[0].model_dump(mode="json") == proposal
    history = (await lead.read("intake", f"/v1/proposals/{proposal['proposal_id']}/history")).json()
    assert [each["facts"] for each in history] == [proposal]


async def test_a_drafts_contact_is_the_companys_own(operator: Browser) -> None:
    lead, _ = await registered_company(operator)
    _, foreign = await registered_company(operator)
    draft = await lead.done("intake", DRAFTS, proposal_body(foreign))
    check_problem(await lead.send("intake", f"{path_of(draft)}/submit", {"version": 1}), 422, "body.contact_id")
    assert (await lead.read("intake", path_of(draft))).json() == draft


async def test_a_draft_may_be_a_consortiums(operator: Browser) -> None:
    (lead, first, _), consortium, contact = await puzzle(operator)
    body = proposal_body(contact, consortium_id=consortium["consortium_id"], without_open_parts=True)
    draft = await lead.done("intake", DRAFTS, body)
    check_problem(await lead.send("intake", f"{path_of(draft)}/submit", {"version": 1}), 409)
    await first.done("intake", part_path(consortium, 0, "confirm"))
    proposal = await lead.done("intake", f"{path_of(draft)}/submit", {"version": 1})
    assert proposal["members"] == [company_of(lead.person), company_of(first.person)]


async def test_what_became_of_a_submitted_draft_is_told(operator: Browser) -> None:
    lead, contact = await registered_company(operator)
    body = proposal_body(contact)
    draft = await lead.done("intake", DRAFTS, body)
    await lead.done("intake", f"{path_of(draft)}/submit", {"version": 1})
    attempts = [(path_of(draft), "PUT"), (f"{path_of(draft)}/submit", "POST"), (f"{path_of(draft)}/discard", "POST")]
    for path, method in attempts:
        answer = await lead.send("intake", path, {"version": 1}, method=method)
        assert "possible now: revise, withdraw" in check_problem(answer, 409)["detail"]
    await lead.done("intake", f"/v1/proposals/{draft['draft_id']}", proposal_revision(body, 1), method="PUT")
    stranger, _ = await registered_company(operator)
    for path, method in attempts:
        check_problem(await stranger.send("intake", path, {"version": 1}, method=method), 404)


async def test_a_discarded_draft_is_gone(operator: Browser) -> None:
    lead, _ = await registered_company(operator)
    draft = await lead.done("intake", DRAFTS, {"title": "A brass band"})
    assert (
        "at version 1"
        in check_problem(await lead.send("intake", f"{path_of(draft)}/discard", {"version": 2}), 409)["detail"]
    )
    assert await lead.done("intake", f"{path_of(draft)}/discard", {"version": 1}) == draft
    check_problem(await lead.read("intake", path_of(draft)), 404)
    check_problem(await lead.send("intake", f"{path_of(draft)}/discard", {"version": 1}), 404)


async def test_of_changes_of_a_draft_at_once_none_is_lost(operator: Browser) -> None:
    lead, contact = await registered_company(operator)
    body = proposal_body(contact)
    draft = await lead.done("intake", DRAFTS, body)
    colleague = operator.of(company_person(lead.person.company))
    edit = body | {"version": 1, "title": "A quieter band"}
    edited, submitted, again = await asyncio.gather(
        colleague.send("intake", path_of(draft), edit, method="PUT"),
        lead.send("intake", f"{path_of(draft)}/submit", {"version": 1}),
        lead.send("intake", f"{path_of(draft)}/submit", {"version": 1}),
    )
    assert sorted(answer.status_code for answer in (edited, submitted, again)) == [200, 409, 409]
    if edited.is_success:
        assert (await lead.read("intake", path_of(draft))).json()["content"]["title"] == "A quieter band"


async def test_a_draft_is_nobody_elses_business(operator: Browser) -> None:
    lead, _ = await registered_company(operator)
    draft = await lead.done("intake", DRAFTS, {"title": "A brass band"})
    stranger, _ = await registered_company(operator)
    check_problem(await stranger.read("intake", path_of(draft)), 404)
    assert (await stranger.read("intake", DRAFTS)).json() == []
    check_problem(await stranger.send("intake", path_of(draft), {"version": 1}, method="PUT"), 404)
    assert await events_of(operator.platform, ProposalFacts, draft["draft_id"]) == []
