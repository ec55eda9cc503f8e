"""A need and a proposal of real people, in front of the running services."""

import asyncio
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

import httpx

from deploy.waiting import until
from services.matching.rules import match_id
from shared.vocabulary import Region, Role
from tests.browser import Browser, region_with_contact, registered_company
from tests.factories import need_body, proposal_body, someone

TITLE = "Sorting of mixed plastic waste by near infrared light"
NAME = "Schoonsorteer NV"


@dataclass
class Pair:
    """A need and a proposal that belong together, and those who wrote them."""

    region: Browser
    company: Browser
    coordinator: Browser
    need: Any
    proposal: Any

    @classmethod
    async def of(cls, anyone: Browser, title: str = TITLE, province: str = "flemish_brabant") -> Self:
        """Have a region and a company write the two, at the same moment."""
        region, region_contact = await region_with_contact(anyone, Region.CHENGDU)
        company, company_contact = await registered_company(anyone, name=NAME, province=province)
        fields = {"title": title, "challenges": [7]}
        need, proposal = await asyncio.gather(
            region.done("regions", "/v1/needs", need_body(region_contact, **fields)),
            company.done("intake", "/v1/proposals", proposal_body(company_contact, **fields)),
        )
        return cls(region, company, anyone.of(someone(Role.COORDINATOR, province)), need, proposal)

    async def match(self, state: str = "presented") -> Any:
        """Their match, once it is in that state."""
        found: dict[str, Any] = {}

        async def reached() -> bool:
            answer = await self.company.read("matching", f"/v1/matches/{self.match_id}")
            found.update(answer.json())
            return found.get("state") == state

        assert await until(reached, 60), found
        return found

    @property
    def match_id(self) -> UUID:
        """The id of their match."""
        return match_id(UUID(self.need["need_id"]), UUID(self.proposal["proposal_id"]))

    async def answer(self, verb: str, version: int, by: Browser | None = None, **more: Any) -> httpx.Response:
        """Take a step, as the region unless somebody else is named."""
        path = f"/v1/matches/{self.match_id}/{verb}"
        answer: httpx.Response = await (by or self.region).send("matching", path, {"version": version} | more)
        return answer

    async def read(self, what: str, by: Browser) -> httpx.Response:
        """Read something of the match."""
        answer: httpx.Response = await by.read("matching", f"/v1/matches/{self.match_id}{what}")
        return answer

    async def end(self) -> None:
        """Have nothing else match it."""
        need = (await self.region.read("regions", f"/v1/needs/{self.need['need_id']}")).json()
        closure = {"version": need["version"], "reason": "cancelled"}
        await self.region.send("regions", f"/v1/needs/{need['need_id']}/close", closure)
        await self.company.send("intake", f"/v1/proposals/{self.proposal['proposal_id']}/withdraw")
