"""The story's commands, sent as its people would: companies and contacts, needs, proposals, answers."""

from datetime import date
from typing import Any

import httpx

from deploy.demo.client import Client
from deploy.demo.models import Company, Need, Proposal, Sample
from deploy.signin.client import SignIn
from deploy.stage import Stage
from shared.vocabulary import Role, company_id


class Storyteller:
    """Plays a sample on a platform that is up. What it posted is found in `needs` and `proposals`, by key."""

    def __init__(self, sample: Sample, stage: Stage, http: httpx.AsyncClient) -> None:
        self.sample = sample
        self.needs: dict[str, dict[str, Any]] = {}
        self.proposals: dict[str, dict[str, Any]] = {}
        self._urls = stage.settings.urls
        self._http = http
        self._signin = SignIn(stage.settings.issuer, http)
        self._contacts: dict[str, str] = {}

    def as_(self, handle: str) -> Client:
        """The client of one of the sample's people."""
        return Client(self._http, self._urls, self.sample.person(handle), self._signin)

    def operator(self) -> Client:
        """The one who may read everything."""
        return self.as_(next(person.name for person in self.sample.people if person.role is Role.OPERATOR))

    async def arrive(self) -> None:
        """Companies register, and everybody says how to be reached."""
        for company in self.sample.companies:
            await self._register(company)
        for person in self.sample.people:
            if person.role in (Role.COMPANY, Role.REGION):
                await self._share_contact(person.name)

    async def post_needs(self) -> None:
        """The regions post what they need."""
        for need in self.sample.needs:
            await self._post(need)

    async def submit_proposals(self) -> None:
        """The companies send what they offer, the consortium once every part is confirmed."""
        for proposal in self.sample.proposals:
            await self._submit(proposal)

    async def answer(self, match: dict[str, Any], by: str, reason: str | None = None) -> None:
        """A region accepts a match, or declines it with a reason."""
        body: dict[str, Any] = {"version": match["version"]}
        verb = "accept"
        if reason is not None:
            verb, body["reason"] = "decline", " ".join(reason.split())
        await self.as_(by).command("matching", f"/matches/{match['match_id']}/{verb}", body)

    def pair(self, need: str, proposal: str) -> tuple[str, str]:
        """The ids of a need and a proposal of the sample."""
        return self.needs[need]["need_id"], self.proposals[proposal]["proposal_id"]

    async def _register(self, company: Company) -> None:
        body = company.model_dump(mode="json", include={"enterprise_number", "name", "province", "languages"})
        await self.as_(company.by).command("intake", "/companies", body, again=True)

    async def _share_contact(self, handle: str) -> None:
        person = self.sample.person(handle)
        body = {
            "organisation": person.organisation_name,
            "name": person.full_name,
            "mail": person.mail,
            "phone": person.phone,
            "language": person.language,
        }
        service = "intake" if person.role is Role.COMPANY else "regions"
        answer = await self.as_(handle).command(service, "/contacts", body)
        self._contacts[handle] = answer["contact_id"]

    async def _post(self, need: Need) -> None:
        deadline = need.deadline_on(date.today())
        body = need.model_dump(mode="json", include={"title", "body", "language", "challenges"})
        body |= {"contact_id": self._contacts[need.by], "deadline": deadline and deadline.isoformat()}
        self.needs[need.key] = await self.as_(need.by).command("regions", "/needs", body)

    async def _submit(self, proposal: Proposal) -> None:
        body = proposal.model_dump(mode="json", include={"title", "body", "language", "challenges"})
        body["contact_id"] = self._contacts[proposal.by]
        if proposal.consortium:
            body["consortium_id"] = await self._form_consortium(proposal)
        self.proposals[proposal.key] = await self.as_(proposal.by).command("intake", "/proposals", body)

    async def _form_consortium(self, proposal: Proposal) -> str:
        assert proposal.consortium
        parts = [
            {"title": part.title, "company_id": str(company_id(self.sample.company_of(part.by).enterprise_number))}
            for part in proposal.consortium.parts
        ]
        opened = await self.as_(proposal.by).command(
            "intake", "/consortia", {"title": proposal.consortium.title, "parts": parts}
        )
        for part, given in zip(proposal.consortium.parts, opened["parts"], strict=True):
            path = f"/consortia/{opened['consortium_id']}/parts/{given['part_id']}/confirm"
            await self.as_(part.by).command("intake", path)
        return str(opened["consortium_id"])
