"""The load: needs, proposals and revisions of both over HTTP, so many a second, whatever becomes of the platform."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx

from deploy.bench import people
from deploy.chaos.ledger import Command, Ledger
from deploy.embedded.platform import Platform
from deploy.signin.client import SignIn
from deploy.waiting import Together, beside
from shared.events import Event, NeedFacts, NeedPosted, ProposalFacts, ProposalSubmitted
from shared.events.intake import Price
from shared.events.regions import Budget

RATE = 8
"""Commands a second."""
PATIENCE = 5.0
"""Seconds until a request without an answer is repeated."""
CLOSED = "closed before an answer"
"""As an idle connection is when a server stops."""
PAUSE = 0.25
"""Seconds before a command is repeated that was not answered, or with a 5xx."""
GRACE = 60.0
"""Seconds in which what was sent is still repeated after the load has ended."""
APART = 11
"""The challenge of needs that no proposal comes under."""
MATCHING = 0.15
"""The share of needs that proposals do match: each match is mailed to two people, and there are few subjects."""
AMPLE = 1_000_000
"""Euros that no proposal's price exceeds."""
SUBJECTS = (
    "Membranes for landfill leachate",
    "Sludge dried with waste heat",
    "Soil with heavy metals, washed",
    "Solvent vapours, burnt without flame",
    "Hydrogen from surplus wind",
    "Second life of lithium batteries",
    "Heat from flue gas to power",
    "Ammonium taken out of waste water",
    "Fresh air for old schools",
    "Plastics sorted by infrared light",
    "Cold stored for the grid",
    "Dyes recovered from rinsing water",
)


@dataclass
class Standing:
    """What the load has made, as it was answered last."""

    command: Command
    body: Mapping[str, Any]
    version: int


class Load:
    """A company and a region that send commands until told to stop."""

    def __init__(self, platform: Platform, ledger: Ledger, dice: random.Random) -> None:
        self.platform, self.ledger, self.dice = platform, ledger, dice
        self._numbers = count(1)
        self._standing: list[Standing] = []
        self._ended = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send as long as this is open, and then wait for the last answers."""
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=20)
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE, limits=limits) as http:
            self._http, self._signin = http, SignIn(self.platform.settings.issuer, http)
            _, self._company_contact = await people.company(self.platform, http)
            _, self._region_contact = await people.region(self.platform, http)
            async with Together() as group:
                async with beside(self._send_on(group)):
                    yield
                asyncio.get_running_loop().call_later(GRACE, self._ended.set)

    async def _send_on(self, group: Together) -> None:
        begin = time.monotonic()
        for number in count():
            await asyncio.sleep(max(0.0, begin + number / RATE - time.monotonic()))
            group.do(self._done(self._next()))

    def _next(self) -> tuple[Command, Standing | None]:
        chance, number = self.dice.random(), next(self._numbers)
        if chance < 0.2 and self._standing:
            standing = self._standing.pop(self.dice.randrange(len(self._standing)))
            return self._revision(number, standing), standing
        return (self._need(number) if chance < 0.5 else self._proposal(number)), None

    def _need(self, number: int) -> Command:
        body = self._body(self._region_contact) | {"budget": {"most": AMPLE + number, "currency": "EUR"}}
        if self.dice.random() > MATCHING:
            body["challenges"] = [APART]
        return Command(number, "regions", "POST", "/needs", body, *_of(NeedPosted))

    def _proposal(self, number: int) -> Command:
        body = self._body(self._company_contact) | {"price": {"least": number, "most": AMPLE, "currency": "EUR"}}
        return Command(number, "intake", "POST", "/proposals", body, *_of(ProposalSubmitted))

    def _revision(self, number: int, of: Standing) -> Command:
        made = of.command
        body = {**of.body, "body": "Of a larger size.", "version": of.version}
        if made.service == "intake":
            del body["contact_id"]
        path = f"{made.path}/{made.id}"
        return Command(number, made.service, "PUT", path, body, made.topic, made.id_field)

    def _body(self, contact: str) -> dict[str, Any]:
        """Of few texts, so that embedding, which is not what is tested, is soon done."""
        number = self.dice.randrange(len(SUBJECTS))
        return {
            "title": SUBJECTS[number],
            "body": "Of the usual size.",
            "language": "en",
            "challenges": [number % (APART - 1) + 1],
            "contact_id": contact,
        }

    async def _done(self, what: tuple[Command, Standing | None]) -> None:
        """Send a command until it is answered, or until the load has been over for long enough."""
        command, revised = what
        self.ledger.send(command)
        while command.status is None and not self._ended.is_set():
            begin = time.monotonic()
            answer = await self._answer(command)
            command.waited = time.monotonic() - begin
            if isinstance(answer, str) or answer.status_code >= 500:
                command.failures.append(answer if isinstance(answer, str) else f"status {answer.status_code}")
                await asyncio.sleep(PAUSE)
                continue
            command.status = answer.status_code
            if command.acknowledged:
                said = answer.json()
                command.id, command.version = said[command.id_field], said["version"]
                made = revised.command if revised else command
                self._standing.append(Standing(made, made.body, said["version"]))
            self.ledger.answer(command)

    async def _answer(self, command: Command) -> httpx.Response | str:
        """The answer, or why there is none."""
        person = people.NEEDY if command.service == "regions" else people.COMPANY
        try:
            headers = {
                "Authorization": f"Bearer {await self._signin.token(person)}",
                "Idempotency-Key": command.key,
            }
            url = f"{self.platform.urls[command.service]}/v1{command.path}"
            return await self._http.request(command.method, url, json=dict(command.body), headers=headers)
        except httpx.RemoteProtocolError:
            return CLOSED
        except httpx.TransportError as error:
            return type(error).__name__


def made_by(event: Event) -> int | None:
    """The number of the command that made what an event is about: the money in it tells."""
    match event:
        case NeedFacts(budget=Budget() as budget):
            return budget.most - AMPLE
        case ProposalFacts(price=Price() as price):
            return price.least
    return None


def _of(kind: type[NeedPosted] | type[ProposalSubmitted]) -> tuple[str, str]:
    return kind.topic, kind.key
