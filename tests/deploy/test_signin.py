"""One click signs in as anyone of the sample: a real browser's way, through the real page, with a key of our own."""

import json
import time
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from deploy import people
from deploy.embedded.platform import Platform
from deploy.problems import Problem
from deploy.settings import REALM, SERVICES, Settings, free_ports
from deploy.signin.client import CLIENT, SignIn
from deploy.signin.config import LIFETIME
from tests.factories import company_person

ASKED = {
    "client_id": "i2pcc",
    "response_type": "code",
    "scope": "openid",
    "redirect_uri": "http://127.0.0.1/signed-in",
    "state": "a-state",
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    "code_challenge_method": "S256",
}
"""The pair of code challenge and verifier is RFC 7636's, appendix B."""
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


class Forms(HTMLParser):
    """The fields of each form on a page, and what its button says."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[dict[str, str], str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        if tag == "form":
            assert values == {"method": "post"}
            self.found.append(({}, ""))
        elif tag == "input":
            self.found[-1][0][values["name"]] = values["value"]

    def handle_data(self, text: str) -> None:
        if self.found and text.strip() and self.lasttag in ("strong", "small"):
            fields, says = self.found[-1]
            self.found[-1] = fields, f"{says} {text}".strip()


@pytest.fixture(scope="module")
async def http(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"{platform.settings.issuer}/", trust_env=False, timeout=30) as made:
        yield made


@pytest.fixture(scope="module")
async def keys(http: httpx.AsyncClient) -> KeySet:
    return KeySet.import_key_set((await http.get("jwks")).json())


async def code(http: httpx.AsyncClient, fields: dict[str, str]) -> str:
    """What a click on a button brings back."""
    answer = await http.post("authorize", params=ASKED, data=fields)
    assert answer.status_code == 302
    back = urlsplit(answer.headers["location"])
    assert answer.headers["location"].startswith(ASKED["redirect_uri"])
    query = parse_qs(back.query)
    assert query["state"] == [ASKED["state"]]
    return query["code"][0]


async def exchanged(http: httpx.AsyncClient, code: str, verifier: str = VERIFIER) -> httpx.Response:
    """What the client gets for it."""
    grant = {"grant_type": "authorization_code", "client_id": "i2pcc", "redirect_uri": ASKED["redirect_uri"]}
    return await http.post("token", data=grant | {"code": code, "code_verifier": verifier})


def read(token: str, keys: KeySet) -> tuple[dict[str, Any], dict[str, Any]]:
    """A token's header and claims, its signature checked."""
    found = jwt.decode(token, keys, algorithms=["ES256"])
    return found.header, found.claims


async def test_the_only_key_is_the_one_that_was_made_here(platform: Platform, http: httpx.AsyncClient) -> None:
    """The server comes with keys of its own, that everybody can read."""
    (published,) = (await http.get("jwks")).json()["keys"]
    assert published == platform.secrets.signing_key.as_dict(private=False)
    assert published["kid"] == REALM


async def test_every_person_of_the_sample_gets_a_token_with_exactly_their_claims(
    platform: Platform, http: httpx.AsyncClient, keys: KeySet
) -> None:
    page = await http.get("authorize", params=ASKED)
    assert page.headers["content-type"].startswith("text/html")
    forms = {fields["username"]: (fields, says) for fields, says in Forms(page.text).found}
    everyone = people.load()
    assert forms.keys() == {person.subject for person in everyone}
    for person in everyone:
        fields, says = forms[person.subject]
        assert person.full_name in says
        assert person.organisation_name in says
        given = (await exchanged(http, await code(http, fields))).json()
        header, claims = read(given["access_token"], keys)
        assert (header["typ"], header["alg"], header["kid"]) == ("at+jwt", "ES256", REALM)
        assert claims.pop("exp") - claims.pop("iat") == LIFETIME
        assert claims.pop("jti")
        assert claims.pop("nbf") <= time.time()
        who = {"sub": person.subject, "iss": platform.settings.issuer, "aud": "i2pcc"}
        assert claims == who | person.claims


async def test_the_page_asks_for_nothing_from_outside(http: httpx.AsyncClient) -> None:
    page = (await http.get("authorize", params=ASKED)).text
    assert "default-src 'none'" in page
    assert not [word for word in ("http://", "https://", "src=", "<script", "<link") if word in page]


async def test_a_code_is_worth_nothing_to_who_did_not_ask_for_it(http: httpx.AsyncClient) -> None:
    fields = {"username": "someone", "claims": json.dumps({"role": "operator"})}
    stolen = await code(http, fields)
    assert (await exchanged(http, stolen, "x" * 43)).status_code == 400
    assert (await exchanged(http, await code(http, fields))).status_code == 200


async def test_a_token_is_kept_until_shortly_before_it_expires(
    platform: Platform, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    signin, person = SignIn(platform.settings.issuer, http), company_person()
    first = await signin.token(person)
    assert await signin.token(person) == first
    assert await signin.token(company_person()) != first
    late = time.monotonic() + LIFETIME - 30
    monkeypatch.setattr(time, "monotonic", lambda: late)
    assert await signin.token(person) != first


async def test_sign_in_listens_on_the_loopback_address_alone(platform: Platform) -> None:
    process = platform.process("signin")
    assert process
    (listening,) = [found.laddr for found in process.net_connections("inet") if found.status == "LISTEN"]
    assert listening.ip.removeprefix("::ffff:") == "127.0.0.1"


async def test_what_it_is_told_is_its_owners_alone(platform: Platform) -> None:
    told = platform.settings.state / "signin" / "config.json"
    assert (told.stat().st_mode & 0o077, told.parent.stat().st_mode & 0o077) == (0, 0)
    process = platform.process("signin")
    assert process
    private = platform.secrets.signing_key.as_dict(private=True)["d"]
    assert str(private) not in f"{process.cmdline()} {process.environ()}"


async def test_without_sign_in_one_sentence_says_where_it_was_looked_for() -> None:
    (port,) = free_ports(1)
    issuer = Settings(signin_port=port).issuer
    async with httpx.AsyncClient(trust_env=False) as http:
        with pytest.raises(Problem, match=f"cannot be reached at {issuer}"):
            await SignIn(issuer, http).token(company_person())


@pytest.mark.parametrize("service", SERVICES)
async def test_an_api_page_signs_in_here(services: Platform, http: httpx.AsyncClient, service: str) -> None:
    """Its script, from the service's origin, discovers where, and exchanges the code."""
    origin = services.urls[service]
    schemes = (await http.get(f"{origin}/openapi.json")).json()["components"]["securitySchemes"]
    (scheme,) = schemes.values()
    assert scheme["type"] == "openIdConnect"
    discovered = await http.get(scheme["openIdConnectUrl"], headers={"Origin": origin})
    assert discovered.headers["access-control-allow-origin"] == origin
    assert discovered.json()["token_endpoint"] == f"{services.settings.issuer}/token"
    redirected = await http.get(f"{origin}/docs/assets/oauth2-redirect.html")
    assert redirected.status_code == 200
    assert (
        f'clientId: "{CLIENT}", scopes: "openid", usePkceWithAuthorizationCodeGrant: true'
        in (await http.get(f"{origin}/docs/own/docs.js")).text
    )
