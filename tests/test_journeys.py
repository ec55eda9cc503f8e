"""The main job over HTTP, the topics and mail: real processes, real Kafka, real PostgreSQL."""

from typing import Any

import httpx

from deploy.demo.sample import load
from deploy.demo.story import Storyteller
from deploy.embedded.platform import Platform
from deploy.waiting import until


async def test_positive_answer_introduces_both_parties(services: Platform) -> None:
    """From needs and proposals to an introduction in both mailboxes."""
    async with httpx.AsyncClient(timeout=30) as http:
        story = Storyteller(load(), services, http)
        await story.arrive()
        await story.post_needs()
        await story.submit_proposals()
        expected = {story.pair(pair.need, pair.proposal) for pair in story.sample.story.expected}
        operator = story.operator()

        async def matches() -> dict[tuple[str, str], Any]:
            """The story's own: other tests' proposals may answer its needs too."""
            found = [
                match
                for need in story.needs.values()
                for match in await operator.read("matching", "/matches", need_id=need["need_id"], limit=100)
            ]
            pairs = {(match["need_id"], match["proposal_id"]): match for match in found}
            mine = {proposal["proposal_id"] for proposal in story.proposals.values()}
            return {pair: match for pair, match in pairs.items() if pair[1] in mine}

        async def presented() -> bool:
            found = await matches()
            return set(found) == expected and all(match["state"] == "presented" for match in found.values())

        assert await until(presented, 60)

        accept = story.sample.story.accept
        need = next(need for need in story.sample.needs if need.key == accept.need)
        match = (await matches())[story.pair(accept.need, accept.proposal)]
        assert len(match["provinces"]) == 3
        await story.answer(match, need.by)

        async def introduced() -> bool:
            return bool((await operator.read("matching", f"/matches/{match['match_id']}"))["state"] == "introduced")

        assert await until(introduced, 60)

        mails = (await http.get(f"{services.urls['mailbox']}/messages")).json()
        proposal = next(proposal for proposal in story.sample.proposals if proposal.key == accept.proposal)
        titles = f"{need.title} / {proposal.title}"
        introductions = [mail for mail in mails if mail["subject"].endswith(titles)]
        parties = {story.sample.person(handle).mail for handle in (need.by, proposal.by)}
        people = {person.mail for person in story.sample.people}
        assert {mail["to"] for mail in introductions} & people == parties
