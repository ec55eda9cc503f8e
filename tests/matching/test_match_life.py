"""A match's life from outside: whatever people, texts and the clock do, each answer is as the table predicts."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar
from uuid import UUID, uuid4

import httpx
import pytest_asyncio
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as some
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from deploy.embedded.platform import Platform
from deploy.waiting import until
from services.matching.clock import sweep
from services.matching.life import LIFE, WHO, Step, after, check, possible
from services.matching.models import Match
from shared.db import Sessions, connect, sessions
from shared.events import MatchState
from shared.problems import Problem
from shared.settings import Database
from shared.vocabulary import Role
from tests.browser import Browser
from tests.factories import need_body, need_revision, someone
from tests.matching.conftest import ROLE
from tests.matching.pairs import Pair
from tests.matching.sides import OTHER

T = TypeVar("T")
PROVINCE = "east_flanders"
ROLES = (Role.COMPANY, Role.REGION, Role.COORDINATOR)
COMMANDS = sorted({step for steps in WHO.values() for step in steps})
BODIES: dict[Step, dict[str, Any]] = {
    Step.VETO: {"objection": "other"},
    Step.DECLINE: {"reason": "Not now."},
    Step.OUTCOME: {"outcome": "pilot"},
}
SETTLED = text(
    "select exists (select from need where need_id = :need_id and version = :need) "
    "and exists (select from proposal where proposal_id = :proposal_id and version = :proposal) "
    "and not exists (select from to_match where id in (:need_id, :proposal_id))"
)


@dataclass
class Ground:
    """Where the machine plays: the running services, matching's database, and the loop that both belong to."""

    operator: Browser
    sessions: Sessions
    loop: asyncio.AbstractEventLoop
    http: httpx.Client

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something that is awaited elsewhere."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(120)

    def send(self, by: Browser, path: str, body: Any = None, *, method: str = "POST") -> httpx.Response:
        """Ask matching something as somebody."""
        headers = {"Authorization": f"Bearer {self.do(by.signin.token(by.person))}", "Idempotency-Key": str(uuid4())}
        return self.http.request(method, f"{by.platform.urls['matching']}{path}", json=body, headers=headers)


@pytest_asyncio.fixture
async def ground(operator: Browser, services: Platform) -> AsyncIterator[Ground]:
    """The running services, and what they know."""
    engine = connect(Database(url=services.database_url(ROLE)), "tests")
    with httpx.Client(timeout=30) as http:
        yield Ground(operator, sessions(engine), asyncio.get_running_loop(), http)
    await engine.dispose()


class Life(RuleBasedStateMachine):
    """The model: the table, and of one match its state and version."""

    ground: ClassVar[Ground]
    reached: ClassVar[set[MatchState]]

    @initialize(waits=some.booleans())
    def begin(self, waits: bool) -> None:
        """A need and a proposal that fit; the coordinator wants to see each match first, or none."""
        self.waits = waits
        self.title = f"Growing bricks from mycelium {uuid4().hex[:8]}"
        self.coordinator = self.ground.operator.of(someone(Role.COORDINATOR, PROVINCE))
        self.let_through(self.coordinator, None if waits else 0.31)
        self.pair = self.ground.do(Pair.of(self.ground.operator, self.title, PROVINCE))
        self.people = {
            Role.COMPANY: self.pair.company,
            Role.REGION: self.pair.region,
            Role.COORDINATOR: self.pair.coordinator,
        }
        self.texts = {"need": 1, "proposal": 1}
        self.fits = True
        self.clock: Step | None = None
        self.found()

    def teardown(self) -> None:
        """Nothing else may match the pair, and the province is as before."""
        if hasattr(self, "pair"):
            self.ground.do(self.pair.end())
            self.let_through(self.coordinator, 0.31)

    @rule(step=some.sampled_from(COMMANDS), role=some.sampled_from(ROLES), behind=some.integers(0, 1))
    def somebody_tries(self, step: Step, role: Role, behind: int) -> None:
        """A step of somebody who has seen this version, or the one before."""
        self.command(step, role, self.version - behind)

    @rule(data=some.data())
    def somebody_does_what_is_possible(self, data: some.DataObject) -> None:
        """A step that the table has for the state."""
        can = [(step, role) for role in ROLES for step in sorted(WHO[role]) if possible(self.state, step)]
        if can:
            step, role = data.draw(some.sampled_from(can))
            self.command(step, role, self.version)

    @precondition(lambda self: self.state in (MatchState.PRESENTED, MatchState.INTRODUCED))
    @rule(answer=some.sampled_from([Step.ACCEPT, Step.DECLINE]))
    def the_region_goes_on(self, answer: Step) -> None:
        """It answers, or tells what came of its answer."""
        self.command(answer if self.state is MatchState.PRESENTED else Step.OUTCOME, Role.REGION, self.version)

    @precondition(lambda self: not self.gone)
    @rule(fits=some.booleans())
    def the_need_is_revised(self, fits: bool) -> None:
        """It goes on asking for the same, or for something else."""
        self.fits = fits
        changes = {"title": self.title if fits else OTHER, "challenges": [7]}
        draft = need_revision(need_body(self.pair.need["contact_id"], **changes), self.texts["need"])
        path = f"/v1/needs/{self.pair.need['need_id']}"
        self.ground.do(self.pair.region.done("regions", path, draft, method="PUT"))
        self.text_changed("need")
        if not fits:
            self.platform(Step.RETRACT)
        elif possible(self.state, Step.FIND):
            self.found()
        else:
            self.platform(Step.REVISE)

    @precondition(lambda self: not self.gone and self.clock)
    @rule()
    def a_day_comes(self) -> None:
        """The one on which the clock strikes."""
        step, due = self.clock, self.ground.do(self.row()).due_at
        assert step
        while self.ground.do(sweep(self.ground.sessions, due)):
            pass
        self.platform(step)
        self.clock = after(step)

    @precondition(lambda self: not self.gone and self.version > 3)
    @rule(side=some.sampled_from(["need", "proposal"]))
    def a_side_goes(self, side: str) -> None:
        """The need is closed, or the proposal withdrawn."""
        if side == "need":
            closure = {"version": self.texts["need"], "reason": "cancelled"}
            path = f"/v1/needs/{self.pair.need['need_id']}/close"
            self.ground.do(self.pair.region.done("regions", path, closure))
        else:
            path = f"/v1/proposals/{self.pair.proposal['proposal_id']}/withdraw"
            self.ground.do(self.pair.company.done("intake", path))
        self.gone = True
        self.text_changed(side)
        self.platform(Step.WITHDRAW if side == "proposal" else Step.RETRACT)

    @invariant()
    def everybody_sees_it_as_it_is(self) -> None:
        """The coordinator always, the region once it has been presented."""
        if not hasattr(self, "state"):
            return
        self.reached.add(self.state)
        path = f"/v1/matches/{self.pair.match_id}"
        match = self.ground.send(self.pair.coordinator, path, method="GET").json()
        assert (match["state"], match["version"], match["presented"]) == (self.state, self.version, self.presented)
        shown = self.ground.send(self.pair.region, path, method="GET")
        assert shown.status_code == (200 if self.presented else 404)

    gone = False
    presented = False

    def command(self, step: Step, role: Role, seen: int) -> None:
        """Send a command; its answer is what the table says."""
        body = {"version": seen} | BODIES.get(step, {})
        answer = self.ground.send(self.people[role], f"/v1/matches/{self.pair.match_id}/{step}", body)
        if step not in WHO[role]:
            assert answer.status_code == 403
        elif role is Role.REGION and not self.presented:
            assert answer.status_code == 404
        elif refusal := self.refusal(step, role, seen):
            assert (answer.status_code, answer.json()["detail"]) == (409, refusal)
        else:
            self.taken(step)
            assert answer.status_code == 200, answer.text
            assert (answer.json()["state"], answer.json()["version"]) == (self.state, self.version)
            self.introduced()

    def refusal(self, step: Step, role: Role, seen: int) -> str | None:
        """Why a step is not possible, with what is."""
        try:
            check(self.state, step, role, self.version, seen)
        except Problem as problem:
            return str(problem)
        return None

    def taken(self, step: Step) -> None:
        """What a step makes of the match; a shortlisted one is presented at once."""
        self.state = LIFE[self.state, step]
        self.version += step is not Step.INTEREST
        if step is Step.SHORTLIST:
            self.shown()
        if self.state is not MatchState.PRESENTED:
            self.clock = None

    def platform(self, step: Step) -> None:
        """What the platform does, if it can."""
        if possible(self.state, step):
            self.taken(step)
            if step is Step.REVISE and self.state is MatchState.PRESENTED:
                self.clock = Step.REMIND

    def found(self) -> None:
        """The two meet, for the first time or again."""
        self.version = getattr(self, "version", 0) + 1
        self.state, self.presented = MatchState.FOUND, False
        if not self.waits:
            self.shown()
        self.ground.do(self.settled())

    def shown(self) -> None:
        """The region may answer."""
        self.state, self.presented, self.clock = LIFE[self.state, Step.PRESENT], True, Step.REMIND
        self.version += 1

    def introduced(self) -> None:
        """Who has accepted is introduced soon."""
        if self.state is MatchState.ACCEPTED:
            self.ground.do(self.pair.match("introduced"))
            self.taken(Step.INTRODUCE)

    def text_changed(self, side: str) -> None:
        """Wait until matching has heard of it and compared anew."""
        self.texts[side] += 1
        self.ground.do(self.settled())

    async def settled(self) -> None:
        """Matching knows the newest texts, and nothing waits."""
        ids = {f"{side}_id": UUID(getattr(self.pair, side)[f"{side}_id"]) for side in self.texts}

        async def compared() -> bool:
            async with self.ground.sessions() as db:
                return bool(await db.scalar(SETTLED, self.texts | ids))

        assert await until(compared, 60)

    async def row(self) -> Match:
        """The match as matching keeps it."""
        async with self.ground.sessions() as db:
            return await db.get_one(Match, self.pair.match_id)

    def let_through(self, coordinator: Browser, threshold: float | None) -> None:
        """From which score the province's matches are presented by themselves."""
        path = "/v1/presentation"
        version = self.ground.send(coordinator, path, method="GET").json()["version"]
        body = {"version": version, "threshold": threshold}
        assert self.ground.send(coordinator, path, body, method="PUT").is_success


def walk(steps: Iterable[Step]) -> None:
    """A life in which the region takes these steps and nothing else happens."""
    life = Life()
    life.begin(waits=False)
    for step in steps:
        life.the_region_goes_on(step)
        life.everybody_sees_it_as_it_is()
    life.teardown()


async def test_a_match_lives_as_the_table_says(ground: Ground) -> None:
    Life.ground, Life.reached = ground, set()
    bounds = settings(
        max_examples=15,
        stateful_step_count=12,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    # What the whole of it is for: left to chance it would be reached too seldom.
    for steps in ((Step.ACCEPT, Step.OUTCOME), (Step.DECLINE,)):
        await asyncio.to_thread(walk, steps)
    await asyncio.to_thread(run_state_machine_as_test, Life, settings=bounds)
    passing = {MatchState.SHORTLISTED, MatchState.ACCEPTED}  # what comes next comes before anybody looks
    assert Life.reached == {*MatchState} - passing
