"""The life of needs, walked at random over HTTP: each answer is the one that the table tells of."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings
from hypothesis import strategies as some
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from services.regions.rules import NEED_LIFE, NeedState, NeedStep
from tests.browser import Browser, region_with_contact
from tests.factories import need_body

PLACES = {
    (NeedState.DRAFT, NeedStep.REVISE): ("PUT", "/v1/need-drafts/{}"),
    (NeedState.DRAFT, NeedStep.POST): ("POST", "/v1/need-drafts/{}/post"),
    (NeedState.DRAFT, None): ("POST", "/v1/need-drafts/{}/discard"),
    (NeedState.OPEN, NeedStep.REVISE): ("PUT", "/v1/needs/{}"),
    (NeedState.OPEN, NeedStep.CLOSE): ("POST", "/v1/needs/{}/close"),
}
"""Where each step of the table is taken; without a name, a draft is thrown away."""


class Known:
    """What the model knows of one need."""

    def __init__(self, need_id: str) -> None:
        self.need_id = need_id
        self.state: NeedState | None = NeedState.DRAFT
        self.version = 1
        self.said = 0


@pytest_asyncio.fixture
async def contact(operator: Browser) -> tuple[Browser, str]:
    """A region's person and its contact."""
    return await region_with_contact(operator)


@pytest.fixture
def http(operator: Browser) -> Iterator[httpx.Client]:
    """Connections to the running service."""
    with httpx.Client(base_url=operator.platform.urls["regions"], timeout=30) as made:
        yield made


@pytest_asyncio.fixture
async def token(contact: tuple[Browser, str]) -> str:
    """The person's access token."""
    return await contact[0].signin.token(contact[0].person)


def test_the_places_are_those_of_the_table() -> None:
    assert {place for place in PLACES if place[1]} == NEED_LIFE.keys()


def test_a_need_lives_as_the_table_says(http: httpx.Client, token: str, contact: tuple[Browser, str]) -> None:
    body = need_body(contact[1])

    class Life(RuleBasedStateMachine):
        needs = Bundle("needs")

        def __init__(self) -> None:
            super().__init__()
            self.all: list[Known] = []

        def send(self, method: str, path: str, content: Any) -> httpx.Response:
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}
            return http.request(method, path, json=content, headers=headers)

        @rule(target=needs)
        def keep(self) -> Known:
            """Somebody begins a draft."""
            known = Known(self.send("POST", "/v1/need-drafts", body).json()["draft_id"])
            self.all.append(known)
            return known

        @rule(known=needs, place=some.sampled_from(list(PLACES)), behind=some.sampled_from([0, 0, 0, 1]))
        def step(self, known: Known, place: tuple[NeedState, NeedStep | None], behind: int) -> None:
            """Somebody takes a step, which may be the wrong one, or by a version that is not the newest."""
            state, taken = place
            method, path = PLACES[place]
            content: dict[str, Any] = {"version": known.version - behind}
            content |= {"reason": "fulfilled"} if taken is NeedStep.CLOSE else {}
            content |= body if taken is NeedStep.REVISE else {}
            answer = self.send(method, path.format(known.need_id), content)
            assert answer.status_code == self.expected(known, state, taken, behind), answer.text
            if answer.status_code == 409:
                self.check_told(known, state, answer.json()["detail"])
            elif answer.is_success:
                self.go_on(known, state, taken)

        def expected(self, known: Known, state: NeedState, taken: NeedStep | None, behind: int) -> int:
            posted = known.state in (NeedState.OPEN, NeedState.CLOSED)
            if not posted and known.state is not state:
                return 404
            if known.state is not state or behind:
                return 409
            return 201 if taken is NeedStep.POST else 200

        def check_told(self, known: Known, state: NeedState, detail: str) -> None:
            if known.state is state:
                assert f"is at version {known.version}" in detail
                return
            assert f"is {known.state}" in detail
            possible = [each for before, each in NEED_LIFE if before is known.state]
            assert all(each in detail for each in possible or ["make a new one"])

        def go_on(self, known: Known, state: NeedState, taken: NeedStep | None) -> None:
            known.state = NEED_LIFE[state, taken] if taken else None
            known.said += known.state is not None and known.state is not NeedState.DRAFT
            known.version = known.said or known.version + 1

        @invariant()
        def each_stands_as_it_should(self) -> None:
            for known in self.all:
                posted = known.state in (NeedState.OPEN, NeedState.CLOSED)
                path = f"/v1/{'needs' if posted else 'need-drafts'}/{known.need_id}"
                answer = self.send("GET", path, None)
                if known.state is None:
                    assert answer.status_code == 404
                    continue
                shown = answer.json()
                assert shown["version"] == known.version
                if posted:
                    assert shown["closed"] == (known.state is NeedState.CLOSED)
                    versions = self.send("GET", f"{path}/history", None).json()
                    assert [each["version"] for each in versions] == list(range(1, known.said + 1))

    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=15,
            stateful_step_count=12,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
