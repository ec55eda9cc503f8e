"""A consortium's life from outside: whatever its people do in whatever order, a model says what comes of it."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as some
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from deploy.signin.client import SignIn
from tests.browser import Browser, registered_company
from tests.factories import Body, company_of, consortium_body, invitation_body, proposal_body
from tests.intake.puzzles import issued
from tests.tables import superuser

T = TypeVar("T")
GUESTS = 4
PROMPTLY = settings(
    max_examples=30,
    stateful_step_count=15,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
guests = some.integers(1, GUESTS)
places = some.sampled_from([0, 0, 1, 2])
rarely = some.sampled_from([False, False, False, True])
verbs = some.sampled_from(["confirm", "confirm", "decline"])


class Stage:
    """A lead (the first of its people) and companies that may join, on a loop that the machine's steps run on."""

    def __init__(self, operator: Browser) -> None:
        self._loop = asyncio.new_event_loop()
        self._http = httpx.AsyncClient(timeout=30)
        self.platform = operator.platform
        self.seen = Counter[tuple[str, int]]()
        own = Browser(self._http, operator.platform, operator.person, SignIn(operator.signin.issuer, self._http))
        made = [self.run(registered_company(own)) for _ in range(GUESTS + 1)]
        self.people = [browser for browser, _ in made]
        self.contact = made[0][1]

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do this to its end."""
        return self._loop.run_until_complete(work)

    def close(self) -> None:
        """Leave nothing open."""
        self.run(self._http.aclose())
        self._loop.close()


@pytest.fixture
def stage(operator: Browser) -> Iterator[Stage]:
    """The people of one test."""
    made = Stage(operator)
    yield made
    made.close()


@dataclass
class Part:
    """What the model knows of a part."""

    title: str
    guest: int | None
    state: str


@dataclass
class Model:
    """What should be true."""

    parts: dict[str, Part] = field(default_factory=dict)
    version: int = 1
    closed: bool = False
    invitations: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The part and the state of each."""

    def end(self, *parts: str) -> None:
        """Whoever was invited to these parts can no longer answer."""
        for invitation, (part, state) in self.invitations.items():
            if part in parts and state in ("open", "expired"):
                self.invitations[invitation] = (part, "ended")


class ConsortiumLife(RuleBasedStateMachine):
    """Its steps, each with the status that the model foretells."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage
        self.model = Model()
        self.tokens: dict[str, str] = {}

    def sends(self, who: int, step: str, path: str, body: Any, expected: int, method: str = "POST") -> Any:
        """Somebody sends a command, which is answered as foretold."""
        answer = self.stage.run(self.stage.people[who].send("intake", path, body, method=method))
        assert answer.status_code == expected, (step, answer.text)
        self.stage.seen[step, expected] += 1
        return answer.json()

    def company(self, guest: int | None) -> str | None:
        """A guest's company."""
        return company_of(self.stage.people[guest].person) if guest is not None else None

    def part(self, place: int, *states: str) -> str:
        """One of the parts; first come those in these states, so that most steps have something to do."""
        parts = sorted(self.model.parts, key=lambda part_id: self.model.parts[part_id].state not in states)
        return parts[place % len(parts)]

    @initialize(more=some.lists(some.sampled_from([2, 3, None]), max_size=2, unique=True))
    def opens(self, more: list[int | None]) -> None:
        asked = [1, None, *more]
        parts = [{"title": f"Part {n}", "company_id": self.company(guest)} for n, guest in enumerate(asked)]
        opened = self.sends(0, "open", "/v1/consortia", consortium_body(parts=parts), 201)
        self.path = f"/v1/consortia/{opened['consortium_id']}"
        self.consortium_id = opened["consortium_id"]
        self.learn(opened)
        self.invites(0)

    def learn(self, shown: Body) -> None:
        """Take the ids of new parts, which the platform chooses, by their titles."""
        for part in [*shown["parts"], *shown["wanted"]]:
            owners = [guest for guest in range(GUESTS + 1) if self.company(guest) == part.get("company_id")]
            fresh = Part(part["title"], owners[0] if owners else None, part.get("state", "wanted"))
            self.model.parts.setdefault(part["part_id"], fresh)

    @rule(stranger=some.sampled_from([None, None, 1, 2, 3]), place=places, verb=verbs)
    def answers(self, stranger: int | None, place: int, verb: str) -> None:
        part_id = self.part(place, "open")
        part, path = self.model.parts[part_id], f"{self.path}/parts/{part_id}/{verb}"
        guest = stranger or part.guest or 1
        if part.guest != guest:
            self.sends(guest, verb, path, None, 404)
        elif self.model.closed or part.state != "open":
            self.sends(guest, verb, path, None, 409)
        else:
            self.sends(guest, verb, path, None, 200)
            part.state = {"confirm": "confirmed", "decline": "declined"}[verb]
            self.model.version += 1

    @rule(place=places)
    def invites(self, place: int) -> None:
        part_id = self.part(place, "wanted", "declined")
        part, path = self.model.parts[part_id], f"{self.path}/parts/{part_id}/invitations"
        if self.model.closed or part.state not in ("wanted", "declined"):
            self.sends(0, "invite", path, invitation_body(), 409)
            return
        invitation = self.sends(0, "invite", path, invitation_body(), 201)
        if part.state == "declined":
            part.state, part.guest = "wanted", None
            self.model.version += 1
        self.model.end(part_id)
        self.model.invitations[invitation["invitation_id"]] = (part_id, "open")
        self.tokens[invitation["invitation_id"]] = self.stage.run(issued(self.stage.people[0], invitation)).token

    @precondition(lambda self: self.tokens)
    @rule(place=places, guest=some.sampled_from([None, None, 0, 1, 2]), late=rarely, verb=verbs)
    def uses_a_token(self, place: int, guest: int | None, late: bool, verb: str) -> None:
        tokens = sorted(self.tokens, key=lambda each: self.model.invitations[each][1] != "open")
        invitation = tokens[place % len(tokens)]
        members = [0, *(part.guest for part in self.model.parts.values())]
        if guest is None:
            guest = min(range(GUESTS + 1), key=lambda each: each in members)
        part_id, state = self.model.invitations[invitation]
        if late and state == "open":
            self.stage.run(self.expire(invitation))
            self.model.invitations[invitation] = (part_id, state := "expired")
        path, body = f"/v1/invitations/{verb}", {"token": self.tokens[invitation]}
        if state != "open" or (verb == "confirm" and guest in members):
            self.sends(guest, f"{verb} by token", path, body, 409)
            return
        self.sends(guest, f"{verb} by token", path, body, 200)
        if verb == "confirm":
            self.model.parts[part_id] = Part(self.model.parts[part_id].title, guest, "confirmed")
        self.model.invitations[invitation] = (part_id, {"confirm": "confirmed", "decline": "declined"}[verb])
        self.model.version += 1

    async def expire(self, invitation: str) -> None:
        """Have the days gone by that an invitation is good for."""
        async with superuser(self.stage.platform) as connection:
            query = "update intake.invitation set expires_at = now() where invitation_id = $1"
            await connection.execute(query, UUID(invitation))

    @rule(guest=guests | some.none(), stale=rarely)
    def adds_a_part(self, guest: int | None, stale: bool) -> None:
        new = {"title": f"Part {self.model.version}, added", "company_id": self.company(guest)}
        twice = guest is not None and guest in [part.guest for part in self.model.parts.values()]
        self.revises("add", [*self.wishes(), new], 409 if stale else 422 if twice else 200, stale=stale)

    @precondition(lambda self: len(self.model.parts) > 1)
    @rule(place=places)
    def drops_a_part(self, place: int) -> None:
        part_id = self.part(place, "confirmed")
        kept = [wish for wish in self.wishes() if wish["part_id"] != part_id]
        fixed = self.model.parts[part_id].state == "confirmed"
        if self.revises("drop", kept, 409 if fixed else 200):
            self.model.end(part_id)
            del self.model.parts[part_id]

    @rule(place=places, guest=guests | some.none())
    def asks_somebody_else(self, place: int, guest: int | None) -> None:
        part_id = self.part(place)
        part = self.model.parts[part_id]
        wishes = [
            wish | {"company_id": self.company(guest)} if wish["part_id"] == part_id else wish for wish in self.wishes()
        ]
        same, fixed = part.guest == guest, part.state in ("open", "confirmed")
        others = [other.guest for other in self.model.parts.values() if other is not part and other.guest]
        expected = 200 if same else 409 if fixed else 422 if guest in others else 200
        if self.revises("ask", wishes, expected) and not same:
            self.model.end(part_id)
            part.guest, part.state = guest, "open" if guest else "wanted"

    def wishes(self) -> list[Body]:
        """The parts as they are."""
        return [
            {"part_id": part_id, "title": part.title, "company_id": self.company(part.guest)}
            for part_id, part in self.model.parts.items()
        ]

    def revises(self, step: str, parts: list[Body], expected: int, *, stale: bool = False) -> bool:
        """Send a revision; whether it is taken, as it is while the consortium is open."""
        if self.model.closed:
            expected = 409
        body = {"version": self.model.version - stale, "title": f"Puzzle of {len(parts)}", "parts": parts}
        shown = self.sends(0, step, self.path, body, expected, method="PUT")
        if expected == 200:
            self.model.version += 1
            self.learn(shown)
        return expected == 200

    @rule(without=some.sampled_from([True, True, False]))
    def submits(self, without: bool) -> None:
        ready = [part_id for part_id, part in self.model.parts.items() if part.state == "confirmed"]
        possible = ready and (without or len(ready) == len(self.model.parts)) and not self.model.closed
        draft = proposal_body(self.stage.contact, consortium_id=self.consortium_id, without_open_parts=without)
        answer = self.sends(0, "submit", "/v1/proposals", draft, 201 if possible else 409)
        if possible:
            self.model.end(*(part_id for part_id in self.model.parts if part_id not in ready))
            self.model.parts = {part_id: self.model.parts[part_id] for part_id in ready}
            self.model.closed = True
            self.model.version += 1
            members = {self.company(part.guest) for part in self.model.parts.values()} | {self.company(0)}
            assert set(answer["members"]) == members

    def teardown(self) -> None:
        self.submits(without=True)
        self.is_as_the_model_says()

    @invariant()
    def is_as_the_model_says(self) -> None:
        lead = self.stage.people[0]
        shown = self.stage.run(lead.read("intake", self.path)).json()
        parts = {part["part_id"]: (part["title"], part["company_id"], part["state"]) for part in shown["parts"]}
        parts |= {part["part_id"]: (part["title"], None, "wanted") for part in shown["wanted"]}
        modelled = self.model.parts.items()
        assert parts == {part_id: (part.title, self.company(part.guest), part.state) for part_id, part in modelled}
        assert (shown["version"], shown["closed"]) == (self.model.version, self.model.closed)
        invitations = self.stage.run(lead.read("intake", f"{self.path}/invitations")).json()
        found = {each["invitation_id"]: (each["part_id"], each["state"]) for each in invitations}
        assert found == self.model.invitations


TAKEN = {("open", 201), ("invite", 201), ("submit", 201)} | {
    (step, 200) for step in ("confirm", "decline", "confirm by token", "decline by token", "add", "drop", "ask")
}
REFUSED = {(step, 409) for step in ("confirm", "invite", "confirm by token", "drop", "ask", "submit")}


def test_whatever_a_consortiums_people_do_a_model_foretells_what_comes_of_it(stage: Stage) -> None:
    run_state_machine_as_test(lambda: ConsortiumLife(stage), settings=PROMPTLY)
    assert (TAKEN | REFUSED) - stage.seen.keys() == set(), "a step was never taken, or never refused"
