"""Invitations over HTTP: somebody answers with the token it was sent, once and in time."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared.events import ConsortiumFacts
from tests.browser import Browser, check_problem, registered_company
from tests.factories import company_of, company_person, consortium_body, invitation_body, proposal_body
from tests.intake.puzzles import invitations_path, invited, issued, looking, part_path, path_of, puzzle, revision, told
from tests.tables import superuser
from tests.topics import events_of

LOOK, CONFIRM, DECLINE = (f"/v1/invitations/{verb}" for verb in ("look", "confirm", "decline"))
NEW_ONE = "ask the company that leads the consortium for a new one"


async def states(lead: Browser, consortium: dict[str, object]) -> list[str]:
    """Where a consortium's invitations stand."""
    return sorted(each["state"] for each in (await lead.read("intake", f"{path_of(consortium)}/invitations")).json())


async def test_an_invited_company_looks_and_then_brings_the_part(operator: Browser) -> None:
    lead, consortium, _ = await looking(operator, "Drying", "Sorting")
    (wanted, other) = consortium["wanted"]
    invitation, token = await invited(lead, consortium, wanted)
    guest, _ = await registered_company(operator, province="limburg")
    asked = await guest.done("intake", LOOK, {"token": token}, key=None)
    assert asked == {
        "consortium": consortium["title"],
        "part": "Drying",
        "lead": "Dijlezuiver NV",
        "expires_at": invitation["expires_at"],
    }
    after = await guest.done("intake", CONFIRM, {"token": token})
    part = {"part_id": wanted["part_id"], "title": "Drying", "company_id": company_of(guest.person)}
    assert after["parts"] == [part | {"state": "confirmed"}]
    assert after["wanted"] == [other]
    assert (await guest.read("intake", path_of(consortium))).json() == after
    said = await events_of(operator.platform, ConsortiumFacts, consortium["consortium_id"])
    assert told(said) == [("ConsortiumOpened", 1), ("PartConfirmed", 2)]
    assert await states(lead, consortium) == ["confirmed"]


async def test_notify_is_told_what_the_mail_needs_and_nobody_else(operator: Browser) -> None:
    lead, consortium, _ = await looking(operator, "Drying")
    body = invitation_body(language="en")
    answer = await lead.send("intake", invitations_path(consortium, consortium["wanted"][0]), body)
    event = await issued(operator, answer.json())
    assert (event.mail, event.language, event.part, event.consortium) == (
        *(body["mail"], "en", "Drying"),
        consortium["title"],
    )
    assert answer.status_code == 201
    assert set(answer.json()) == {"invitation_id", "part_id", "expires_at", "state"}
    assert abs(event.expires_at - datetime.now(UTC) - timedelta(days=7)) < timedelta(minutes=10)


async def test_neither_token_nor_address_is_kept(operator: Browser) -> None:
    lead, consortium, _ = await looking(operator, "Drying")
    body = invitation_body()
    invitation, token = await invited(lead, consortium, consortium["wanted"][0], **body)
    guest, _ = await registered_company(operator)
    await guest.send("intake", LOOK, {"token": token, "x": 1})
    await guest.done("intake", CONFIRM, {"token": token})
    secrets = [token, body["mail"]]
    async with superuser(operator.platform) as connection:
        query = "select table_name from information_schema.tables where table_schema = 'intake'"
        held = {}
        for (table,) in await connection.fetch(query):
            held[table] = str(await connection.fetch(f'select * from intake."{table}"'))
    assert invitation["invitation_id"] in held["invitation"]
    assert not [table for table, rows in held.items() if any(secret in rows for secret in secrets)]
    logs = operator.platform.processes.logs.glob("*.log")
    assert not [log.name for log in logs if any(secret.encode() in log.read_bytes() for secret in secrets)]


async def test_a_declined_invitation_leaves_the_part_wanted(operator: Browser) -> None:
    lead, consortium, _ = await looking(operator, "Drying")
    _, token = await invited(lead, consortium, consortium["wanted"][0])
    guest, _ = await registered_company(operator)
    declined = await guest.done("intake", DECLINE, {"token": token})
    assert (declined["parts"], declined["wanted"]) == ([], consortium["wanted"])
    said = await events_of(operator.platform, ConsortiumFacts, consortium["consortium_id"])
    assert told(said)[1:] == [("PartDeclined", 2)]
    for path in (LOOK, CONFIRM, DECLINE):
        assert NEW_ONE in check_problem(await guest.send("intake", path, {"token": token}), 409)["detail"]


async def test_a_token_lets_one_of_two_companies_in_at_once(operator: Browser) -> None:
    lead, consortium, _ = await looking(operator, "Drying")
    _, token = await invited(lead, consortium, consortium["wanted"][0])
    guests = [(await registered_company(operator))[0] for _ in range(4)]
    answers = await asyncio.gather(*(each.send("intake", CONFIRM, {"token": token}) for each in guests))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    (winner,) = (each for each, answer in zip(guests, answers, strict=True) if answer.is_success)
    now = (await lead.read("intake", path_of(consortium))).json()
    assert [(part["company_id"], part["state"]) for part in now["parts"]] == [(company_of(winner.person), "confirmed")]
    assert (now["version"], now["wanted"]) == (2, [])


async def test_a_repeated_answer_with_the_same_key_is_the_first_one(operator: Browser) -> None:
    lead, consortium, _ = await looking(operator, "Drying")
    _, token = await invited(lead, consortium, consortium["wanted"][0])
    guest, _ = await registered_company(operator)
    first, again = [await guest.done("intake", CONFIRM, {"token": token}, key="the-same-key") for _ in "12"]
    assert first == again


async def test_an_expired_invitation_says_what_to_do(operator: Browser) -> None:
    lead, consortium, _ = await looking(operator, "Drying")
    invitation, token = await invited(lead, consortium, consortium["wanted"][0])
    async with superuser(operator.platform) as connection:
        query = "update intake.invitation set expires_at = now() where invitation_id = $1"
        await connection.execute(query, UUID(invitation["invitation_id"]))
    guest, _ = await registered_company(operator)
    for path in (LOOK, CONFIRM, DECLINE):
        problem = check_problem(await guest.send("intake", path, {"token": token}), 409)
        assert "is expired" in problem["detail"]
        assert NEW_ONE in problem["detail"]
    assert await states(lead, consortium) == ["expired"]


async def test_a_token_that_nobody_was_sent_is_not_there(operator: Browser) -> None:
    guest, _ = await registered_company(operator)
    for path in (LOOK, CONFIRM, DECLINE):
        check_problem(await guest.send("intake", path, {"token": "x" * 43}), 404)


async def test_a_new_invitation_ends_the_older_one(operator: Browser) -> None:
    lead, consortium, _ = await looking(operator, "Drying", "Sorting")
    drying, sorting = consortium["wanted"]
    _, older = await invited(lead, consortium, drying)
    _, elsewhere = await invited(lead, consortium, sorting)
    _, newer = await invited(lead, consortium, drying)
    guest, _ = await registered_company(operator)
    assert "is ended" in check_problem(await guest.send("intake", CONFIRM, {"token": older}), 409)["detail"]
    await guest.done("intake", LOOK, {"token": elsewhere})
    await guest.done("intake", CONFIRM, {"token": newer})
    assert await states(lead, consortium) == ["confirmed", "ended", "open"]


async def test_who_takes_part_already_brings_no_second_part(operator: Browser) -> None:
    lead, _ = await registered_company(operator)
    other, _ = await registered_company(operator)
    body = consortium_body(other.person)
    consortium = await lead.done("intake", "/v1/consortia", body | {"parts": [*body["parts"], {"title": "Drying"}]})
    _, token = await invited(lead, consortium, consortium["wanted"][0])
    for each, why in ((lead, "leads this consortium"), (other, "has a part")):
        assert why in check_problem(await each.send("intake", CONFIRM, {"token": token}), 409)["detail"]
    assert await states(lead, consortium) == ["open"]


async def test_a_company_registers_before_it_answers_but_may_look(operator: Browser) -> None:
    lead, consortium, _ = await looking(operator, "Drying")
    _, token = await invited(lead, consortium, consortium["wanted"][0])
    stranger = operator.of(company_person())
    await stranger.done("intake", LOOK, {"token": token})
    for path in (CONFIRM, DECLINE):
        assert "registers itself" in check_problem(await stranger.send("intake", path, {"token": token}), 409)["detail"]


async def test_somebody_is_invited_in_the_place_of_who_declined(operator: Browser) -> None:
    (lead, first, _), consortium, _ = await puzzle(operator)
    part = consortium["parts"][0]
    asked = await lead.send("intake", invitations_path(consortium, part), invitation_body())
    assert "confirm, decline, drop" in check_problem(asked, 409)["detail"]
    await first.done("intake", part_path(consortium, 0, "decline"))
    _, token = await invited(lead, consortium, part)
    now = (await lead.read("intake", path_of(consortium))).json()
    assert now["wanted"] == [{"part_id": part["part_id"], "title": part["title"]}]
    check_problem(await first.read("intake", path_of(consortium)), 404)
    guest, _ = await registered_company(operator)
    await guest.done("intake", CONFIRM, {"token": token})
    said = await events_of(operator.platform, ConsortiumFacts, consortium["consortium_id"])
    kinds = ("ConsortiumOpened", "PartDeclined", "ConsortiumRevised", "PartConfirmed")
    assert told(said) == list(zip(kinds, range(1, 5), strict=True))


async def test_the_lead_alone_invites_and_sees_the_invitations(operator: Browser) -> None:
    (_, contributor, _), consortium, _ = await puzzle(operator)
    path = invitations_path(consortium, consortium["parts"][0])
    check_problem(await contributor.send("intake", path, invitation_body()), 404)
    check_problem(await contributor.read("intake", f"{path_of(consortium)}/invitations"), 404)


async def test_an_invitation_ends_with_what_it_asked_for(operator: Browser) -> None:
    lead, consortium, _ = await looking(operator, "Drying", "Sorting", "Sieving")
    tokens = [(await invited(lead, consortium, part))[1] for part in consortium["wanted"]]
    body = revision(consortium)
    drying, sorting, _ = body["parts"]
    parts = [drying | {"title": "Wetting"}, sorting]
    await lead.done("intake", path_of(consortium), body | {"parts": parts}, method="PUT")
    guest, _ = await registered_company(operator)
    worded_anew, kept, dropped = [await guest.send("intake", LOOK, {"token": token}) for token in tokens]
    assert kept.is_success
    for answer in (worded_anew, dropped):
        assert "is ended" in check_problem(answer, 409)["detail"]


async def test_nobody_joins_once_the_proposal_is_submitted(operator: Browser) -> None:
    lead, consortium, contact = await looking(operator, "Drying", "Sorting")
    (_, drying), (_, sorting) = [await invited(lead, consortium, part) for part in consortium["wanted"]]
    guest, _ = await registered_company(operator)
    await guest.done("intake", CONFIRM, {"token": drying})
    draft = proposal_body(contact, consortium_id=consortium["consortium_id"], without_open_parts=True)
    await lead.done("intake", "/v1/proposals", draft)
    late, _ = await registered_company(operator)
    check_problem(await late.send("intake", CONFIRM, {"token": sorting}), 409)
    again = await lead.send("intake", invitations_path(consortium, consortium["wanted"][1]), invitation_body())
    assert "is closed" in check_problem(again, 409)["detail"]


async def test_who_has_declined_one_part_is_told_how_it_may_bring_another(operator: Browser) -> None:
    (lead, first, _), consortium, _ = await puzzle(operator)
    await first.done("intake", part_path(consortium, 0, "decline"))
    held = (await lead.read("intake", path_of(consortium))).json()
    held = await lead.done("intake", path_of(held), revision(held, {"title": "Sorting"}), method="PUT")
    _, token = await invited(lead, held, held["wanted"][0])
    detail = check_problem(await first.send("intake", CONFIRM, {"token": token}), 409)["detail"]
    assert "Part 1, which is declined" in detail
    freed = revision(held)
    freed["parts"][0]["company_id"] = None
    await lead.done("intake", path_of(held), freed, method="PUT")
    mine = (await first.done("intake", CONFIRM, {"token": token}))["parts"][-1]
    assert (mine["title"], mine["company_id"], mine["state"]) == ("Sorting", company_of(first.person), "confirmed")
