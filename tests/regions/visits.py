"""Matches that a visit can be about."""

from uuid import UUID, uuid4

from deploy.waiting import until
from services.matching.rules import match_id
from shared.vocabulary import Region
from tests.browser import Browser, region_with_contact, registered_company
from tests.factories import need_body, proposal_body
from tests.tables import superuser


async def match_of(operator: Browser, region: Region, province: str = "limburg") -> str:
    """The id of a match of a region's new need and a company's new proposal, once regions knows of it."""
    company, ours = await registered_company(operator, province=province)
    people, theirs = await region_with_contact(operator, region)
    text = {"title": f"Drying nickel sludge {uuid4().hex[:8]}", "challenges": [5]}
    proposal = await company.done("intake", "/v1/proposals", proposal_body(ours, **text))
    need = await people.done("regions", "/v1/needs", need_body(theirs, **text))
    match = match_id(UUID(need["need_id"]), UUID(proposal["proposal_id"]))
    async with superuser(operator.platform) as connection:

        async def known() -> bool:
            query = "select exists (select from regions.match where match_id = $1 and state = 'presented')"
            return bool(await connection.fetchval(query, match))

        assert await until(known, 60)
    return str(match)
