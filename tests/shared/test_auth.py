"""Only who holds a token of the issuer that is believed comes in."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import ECKey

from deploy.settings import SERVICES
from shared.auth import LEEWAY
from tests.browser import Browser, check_problem
from tests.issuer import Issuer
from tests.routes import ROUTES

Header = dict[str, Any]


def encoded(part: bytes | object) -> str:
    """A part of a token."""
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def other_header(by: Issuer, header: bytes | object) -> str:
    """A good token under a header that it was not signed with."""
    _, claims, signature = by.token().split(".")
    return f"{encoded(header)}.{claims}.{signature}"


def without_signature(by: Issuer) -> str:
    """A token that says it needs none."""
    header = {"alg": "none", "typ": "at+jwt"}
    return f"{encoded(header)}.{by.token().split('.')[1]}."


def by_public_key(by: Issuer, secret: bytes) -> str:
    """A token whose HMAC is made with what everyone knows."""
    header = {"alg": "HS256", "typ": "at+jwt", "kid": by.key.kid}
    signed = f"{encoded(header)}.{by.token().split('.')[1]}"
    return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def by_a_stranger(by: Issuer, *, embedded: bool) -> str:
    """A token that someone else has signed, with the platform's key id or with a key of its own inside."""
    stranger = ECKey.generate_key("P-256")
    header: Header = {"jwk": stranger.as_dict(private=False)} if embedded else {}
    return by.token(header | {"kid": by.key.kid}, key=stranger)


def tampered(by: Issuer) -> str:
    """A company's token that was made an operator's."""
    header, _, signature = by.token(role="company").split(".")
    return f"{header}.{by.token().split('.')[1]}.{signature}"


BAD: dict[str, Callable[[Issuer], str]] = {
    "garbage": lambda by: "garbage",
    "three garbled parts": lambda by: "a.b.c",
    "not ASCII": lambda by: "é.é.é",
    "of five parts": lambda by: f"{by.token()}.a.b",
    "expired": lambda by: by.token(exp=int(time.time()) - LEEWAY - 1),
    "issued tomorrow": lambda by: by.token(iat=int(time.time()) + 86_400),
    "issued at no time": lambda by: by.token(iat=None),
    "issued some day": lambda by: by.token(iat="yesterday"),
    "not valid yet": lambda by: by.token(nbf=int(time.time()) + 3_600),
    "never expiring": lambda by: by.token(exp=None),
    "expiring some day": lambda by: by.token(exp="tomorrow"),
    "of another issuer": lambda by: by.token(iss="https://elsewhere.example"),
    "of no issuer": lambda by: by.token(iss=None),
    "for another audience": lambda by: by.token(aud="another"),
    "for no audience": lambda by: by.token(aud=None),
    "an ID token": lambda by: by.token({"typ": "JWT"}),
    "of no type": lambda by: by.token({"typ": ""}),
    "of nobody": lambda by: by.token(sub=None),
    "of an empty subject": lambda by: by.token(sub=""),
    "of no role": lambda by: by.token(role=None),
    "of an unknown role": lambda by: by.token(role="minister"),
    "of an unknown region": lambda by: by.token(region="atlantis"),
    "of a company without an id": lambda by: by.token(company_id="0403170701"),
    "without a signature": without_signature,
    "HMAC with the public PEM": lambda by: by_public_key(by, by.key.as_pem(private=False)),
    "HMAC with the public JWK": lambda by: by_public_key(by, json.dumps(by.key.as_dict(private=False)).encode()),
    "of a stranger": lambda by: by_a_stranger(by, embedded=False),
    "of a stranger with a key inside": lambda by: by_a_stranger(by, embedded=True),
    "tampered": tampered,
    "of critical headers": lambda by: by.token({"crit": ["kid"]}),
    "of another algorithm": lambda by: other_header(by, {"alg": "RS256", "typ": "at+jwt", "kid": by.key.kid}),
    "of an unknown key": lambda by: other_header(by, {"alg": "ES256", "typ": "at+jwt", "kid": "unknown"}),
    "a header that is no object": lambda by: other_header(by, [1]),
    "a header of wrong kinds": lambda by: other_header(by, {"alg": [], "kid": {}, "typ": 1}),
    "a header that lists a number": lambda by: other_header(by, {"alg": "ES256", "kid": by.key.kid, "crit": 1}),
    "a header of many brackets": lambda by: other_header(by, b"[" * 5_000),
}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
async def test_a_bad_token_is_refused_everywhere(operator: Browser, make: Callable[[Issuer], str]) -> None:
    platform = operator.platform
    issuer = Issuer(platform.settings.issuer, platform.secrets.signing_key)
    for service in SERVICES:
        url = f"{platform.urls[service]}/v1{_place(service)}"
        bearer = f"Bearer {make(issuer)}".encode()
        answer = await operator.http.get(url, headers={"Authorization": bearer})
        check_problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"


def _place(service: str) -> str:
    return next(
        route.at().removeprefix("/v1") for route in ROUTES if route.service == service and route.method == "GET"
    )


@pytest.mark.parametrize("service", SERVICES)
async def test_a_password_is_no_token(operator: Browser, service: str) -> None:
    url = f"{operator.platform.urls[service]}/v1{_place(service)}"
    answer = await operator.http.get(url, headers={"Authorization": "Basic b3BlbjpzZXNhbWU="})
    check_problem(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"
