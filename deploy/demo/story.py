"""The story's commands, sent as its people would: companies and contacts, needs, proposals, answers."""

import re
from datetime import UTC, date, datetime, time
from typing import Any

import httpx

from deploy.demo.client import Client
from deploy.demo.models import Company, Lead, Mission, Need, Part, Proposal, Report, Sample, calendar_day
from deploy.problems import Problem
from deploy.signin.client import SignIn
from deploy.stage import Stage
from deploy.waiting import until
from shared.events import Direction
from shared.vocabulary import Role, company_id

NEED = {"title", "body", "language", "challenges", "organisation", "parts", "site", "industry", "capacity", "budget"}
NEED |= {"minimum_trl", "evidence", "partnerships"}
PROPOSAL = {"title", "body", "language", "challenges", "kind", "teaser", "summary", "maturity", "intellectual_property"}
PROPOSAL |= {"partnerships", "scale", "price", "working_languages", "regions"}
LINK = re.compile(r"/invitations#(\S+)")
"""What an invitation's mail ends in: the token, where no server's log sees it."""
PATIENCE = 30.0
"""Seconds within which a mail has arrived."""


class Storyteller:
    """Plays a sample on a platform that is up.

    What it posted is found in `needs`, `proposals` and `missions`, by the sample's keys.
    """

    def __init__(self, sample: Sample, stage: Stage, http: httpx.AsyncClient) -> None:
        self.sample = sample
        self.needs: dict[str, dict[str, Any]] = {}
        self.proposals: dict[str, dict[str, Any]] = {}
        self.missions: dict[str, dict[str, Any]] = {}
        self.suggested: list[tuple[str, str]] = []
        """Parts that nobody brought yet, and the company that the platform suggested for each."""
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
            if person.role in (Role.COMPANY, Role.REGION, Role.COORDINATOR):
                await self._share_contact(person.name)

    async def look_first(self) -> None:
        """One coordinator wants to see every match of the province before the region does."""
        coordinator = self.as_(self.sample.story.shortlist.by)
        held = await coordinator.read("matching", "/presentation")
        await coordinator.put("matching", "/presentation", {"version": held["version"], "threshold": None})

    async def travel(self, direction: Direction) -> None:
        """Missions are planned, and the questions that are asked there are written down."""
        for mission in self.sample.missions:
            if mission.direction is direction:
                await self._travel(mission)

    async def post_needs(self) -> None:
        """The regions post what they need: some of it began as a question on a mission."""
        asked = {lead.need: (mission, lead) for mission in self.sample.missions for lead in mission.leads}
        for need in self.sample.needs:
            if need.key in asked:
                await self._post_asked(need, *asked[need.key])
            else:
                await self._post(need)

    async def submit_proposals(self) -> None:
        """The companies send what they offer, the consortium once every part is confirmed."""
        for proposal in self.sample.proposals:
            await self._submit(proposal)

    async def shortlist(self, match: dict[str, Any]) -> None:
        """The coordinator who looks first wants the region to see a match."""
        path = f"/matches/{match['match_id']}/shortlist"
        await self.as_(self.sample.story.shortlist.by).command("matching", path, {"version": match["version"]})

    async def look_closer(self, match: dict[str, Any], by: str) -> dict[str, Any]:
        """A region shows its interest in a match; the proposal with its details, which it may read from now on."""
        region = self.as_(by)
        await region.command("matching", f"/matches/{match['match_id']}/interest", {"version": match["version"]})
        shown: dict[str, Any] = await region.read("matching", f"/matches/{match['match_id']}/proposal")
        return shown

    async def explain(self, match: dict[str, Any], by: str) -> dict[str, Any]:
        """Why a match has its score, as one of its people reads it."""
        explanation: dict[str, Any] = await self.as_(by).read("matching", f"/matches/{match['match_id']}/explanation")
        return explanation

    async def answer(self, match: dict[str, Any], by: str, reason: str | None = None) -> None:
        """A region accepts a match, or declines it with a reason."""
        body: dict[str, Any] = {"version": match["version"]}
        verb = "accept"
        if reason is not None:
            verb, body["reason"] = "decline", " ".join(reason.split())
        await self.as_(by).command("matching", f"/matches/{match['match_id']}/{verb}", body)

    async def link_visit(self, match: dict[str, Any]) -> None:
        """The visit that is about the accepted match is linked to it."""
        for mission in self.sample.missions:
            for stop, made in zip(mission.programme, self.missions[mission.key]["programme"], strict=True):
                if stop.accepted:
                    path = f"/missions/{self.missions[mission.key]['mission_id']}/stops/{made['stop_id']}/match"
                    body = {"match_id": match["match_id"], "version": self.missions[mission.key]["version"]}
                    await self.as_(mission.by).command("regions", path, body)

    async def report(self, match: dict[str, Any], report: Report) -> None:
        """One of its people tells what came of an introduction."""
        body: dict[str, Any] = {"version": match["version"], "outcome": report.outcome}
        if report.meeting_on:
            day = calendar_day(report.meeting_on, date.today())
            starts = datetime.combine(day, time(9), UTC)
            body["meeting"] = {"starts": starts.isoformat(), "minutes": 120, "place": report.place}
        await self.as_(report.by).command("matching", f"/matches/{match['match_id']}/outcome", body)

    def pair(self, need: str, proposal: str) -> tuple[str, str]:
        """The ids of a need and a proposal of the sample."""
        return self.needs[need]["need_id"], self.proposals[proposal]["proposal_id"]

    async def mails(self, to: str) -> list[dict[str, Any]]:
        """The mails that somebody got, the newest first."""
        mails = (await self._http.get(f"{self._urls['mailbox']}/messages")).json()
        return [mail for mail in mails if to in mail["to"]]

    async def _register(self, company: Company) -> None:
        body = company.model_dump(mode="json", exclude={"by"})
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

    async def _travel(self, mission: Mission) -> None:
        today, coordinator = date.today(), self.as_(mission.by)
        body = mission.model_dump(mode="json", include={"direction", "title", "regions", "provinces"})
        body |= {name: calendar_day(getattr(mission, name), today).isoformat() for name in ("starts", "ends")}
        body["programme"] = [
            stop.model_dump(mode="json", include={"kind", "place", "title"})
            | {"on": calendar_day(stop.day, today).isoformat()}
            for stop in mission.programme
        ]
        made = await coordinator.command("regions", "/missions", body)
        stops = {stop.key: kept["stop_id"] for stop, kept in zip(mission.programme, made["programme"], strict=True)}
        for lead in mission.leads:
            question = lead.model_dump(mode="json", include={"region", "language", "question", "challenges"})
            path = f"/missions/{made['mission_id']}/leads"
            made = await coordinator.command("regions", path, question | {"stop_id": stops[lead.at]})
        self.missions[mission.key] = made

    async def _post_asked(self, need: Need, mission: Mission, lead: Lead) -> None:
        """A question becomes a draft, the draft a need that knows where it comes from."""
        made, region = self.missions[mission.key], self.as_(need.by)
        asked = made["leads"][mission.leads.index(lead)]
        draft = await region.command("regions", f"/missions/{made['mission_id']}/leads/{asked['lead_id']}/draft")
        path = f"/need-drafts/{draft['draft_id']}"
        draft = await region.put("regions", path, self._need(need) | {"version": draft["version"]})
        self.needs[need.key] = await region.command("regions", f"{path}/post", {"version": draft["version"]})

    async def _post(self, need: Need) -> None:
        self.needs[need.key] = await self.as_(need.by).command("regions", "/needs", self._need(need))

    def _need(self, need: Need) -> dict[str, Any]:
        deadline = need.deadline_on(date.today())
        body = need.model_dump(mode="json", include=NEED, exclude_unset=True)
        return body | {"contact_id": self._contacts[need.by], "deadline": deadline and deadline.isoformat()}

    async def _submit(self, proposal: Proposal) -> None:
        body = proposal.model_dump(mode="json", include=PROPOSAL, exclude_unset=True)
        body["contact_id"] = self._contacts[proposal.by]
        if proposal.consortium:
            body["consortium_id"] = await self._form_consortium(proposal)
        self.proposals[proposal.key] = await self.as_(proposal.by).command("intake", "/proposals", body)

    async def _form_consortium(self, proposal: Proposal) -> str:
        assert proposal.consortium
        asked = [part for part in proposal.consortium.parts if not part.invited]
        invited = [part for part in proposal.consortium.parts if part.invited]
        parts = [self._asked(part) for part in asked] + [{"title": part.title} for part in invited]
        body = {"title": proposal.consortium.title, "parts": parts, "contact_id": self._contacts[proposal.by]}
        lead = self.as_(proposal.by)
        opened = await lead.command("intake", "/consortia", body)
        consortium = f"/consortia/{opened['consortium_id']}"
        for part, given in zip(asked, opened["parts"], strict=True):
            await self.as_(part.by).command("intake", f"{consortium}/parts/{given['part_id']}/confirm")
        for part, given in zip(invited, opened["wanted"], strict=True):
            self.suggested.append(await self._suggestion(lead, consortium, given["part_id"]))
            person = self.sample.person(part.by)
            address = {"mail": person.mail, "language": person.language}
            await lead.command("intake", f"{consortium}/parts/{given['part_id']}/invitations", address)
            await self.as_(part.by).command("intake", "/invitations/confirm", {"token": await self._token(person.mail)})
        return str(opened["consortium_id"])

    async def _suggestion(self, lead: Client, consortium: str, part_id: str) -> tuple[str, str]:
        """Who could bring a part that nobody brings yet: the part, and the nearest company.

        Raises:
            Problem: nobody was suggested in time.
        """
        found: list[tuple[str, str]] = []

        async def suggested() -> bool:
            # Matching may not have heard of the consortium yet.
            parts = await lead.read("matching", f"{consortium}/candidates", absent=[])
            mine = (part for part in parts if part["part_id"] == part_id and part["candidates"])
            found[:] = [(part["title"], part["candidates"][0]["name"]) for part in mine]
            return bool(found)

        if not await until(suggested, PATIENCE):
            raise Problem("Nobody was suggested for the part that is still open.", "See the log of matching.")
        return found[0]

    def _asked(self, part: Part) -> dict[str, str]:
        company = self.sample.company_of(part.by)
        return {"title": part.title, "company_id": str(company_id(company.enterprise_number))}

    async def _token(self, mail: str) -> str:
        """The token in the newest invitation that somebody got by mail.

        Raises:
            Problem: none has arrived in time.
        """
        found: list[str] = []

        async def arrived() -> bool:
            found[:] = [link[1] for sent in await self.mails(mail) if (link := LINK.search(sent["text"]))]
            return bool(found)

        if not await until(arrived, PATIENCE):
            raise Problem("The invitation did not arrive by mail.", "See the log of notify.")
        return found[0]
