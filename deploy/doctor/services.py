"""The services, and what they lean on: sign-in and the mail server."""

from collections.abc import AsyncIterator

import httpx

from deploy.doctor.finding import Finding
from deploy.embedded.platform import Platform
from deploy.settings import LOOPBACK, SERVICES
from deploy.waiting import listens


async def ready(platform: Platform) -> AsyncIterator[Finding]:
    """What each service that runs says it waits for."""
    async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
        for name in SERVICES:
            if platform.process(name) is None:
                continue
            try:
                told = (await http.get(f"{platform.urls[name]}/health/ready")).json()
            except (httpx.HTTPError, ValueError) as error:
                what = f"It does not answer at {platform.urls[name]}: {type(error).__name__}."
                yield Finding(name, what, f"See {platform.processes.logs / name}.log")
                continue
            if told["waiting_for"]:
                what = f"It is not ready: it waits for {', '.join(told['waiting_for'])}."
                yield Finding(name, what, "See what is found about that.")


async def signin(platform: Platform) -> AsyncIterator[Finding]:
    """Whether the keys can be had that tokens are checked with."""
    url = f"{platform.settings.issuer}/jwks"
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
            found = bool((await http.get(url)).raise_for_status().json()["keys"])
    except (httpx.HTTPError, ValueError, KeyError):
        found = False
    if not found:
        what = f"No keys can be had from {url}: who signs in is believed by those of before alone."
        yield Finding("signin", what, "i2pcc up; elsewhere: the certificate and I2PCC_AUTH_JWKS_URL.")


async def mail(platform: Platform) -> AsyncIterator[Finding]:
    """Whether the mail server takes connections."""
    if not await listens(LOOPBACK, platform.settings.mail_port):
        what = f"No mail server listens on port {platform.settings.mail_port}: mails wait."
        yield Finding("mailbox", what, "i2pcc up; elsewhere: I2PCC_MAIL_HOST and I2PCC_MAIL_PORT.")
