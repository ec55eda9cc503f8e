"""Who acts in a bench: one company, one region, one who may read everything; and what they need to begin."""

import httpx

from deploy.demo.client import Client
from deploy.embedded.platform import Platform
from deploy.people import Person
from deploy.signin.client import SignIn
from shared.vocabulary import Region, Role

COMPANY = Person(name="bench company", role=Role.COMPANY, company="0999.630.530")
NEEDY = Person(name="bench region", role=Role.REGION, region=Region.HEBEI)
REACHED = {"organisation": "Bench", "name": "Bench", "mail": "bench@bench.example", "language": "en"}


def client(platform: Platform, person: Person, http: httpx.AsyncClient) -> Client:
    """One of them, signed in."""
    return Client(http, platform.urls, person, SignIn(platform.settings.issuer, http))


async def company(platform: Platform, http: httpx.AsyncClient) -> tuple[Client, str]:
    """A registered company, and its contact's id."""
    acting = client(platform, COMPANY, http)
    body = {
        "enterprise_number": COMPANY.company,
        "name": "Bench",
        "province": "limburg",
        "languages": ["en"],
    }
    await acting.command("intake", "/companies", body, again=True)
    contact = await acting.command("intake", "/contacts", REACHED)
    return acting, contact["contact_id"]


async def region(platform: Platform, http: httpx.AsyncClient) -> tuple[Client, str]:
    """A region's person, and its contact's id."""
    acting = client(platform, NEEDY, http)
    contact = await acting.command("regions", "/contacts", REACHED)
    return acting, contact["contact_id"]
