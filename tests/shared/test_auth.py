"""Only who holds a token of the platform's own sign-in comes in."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from deploy import tokens
from deploy.embedded import secrets
from deploy.settings import SERVICES
from shared.auth import LEEWAY, Verifier
from shared.problems import Problem
from shared.settings import Auth
from shared.vocabulary import Role
from tests.browser import Browser, check_problem
from tests.routes import ROUTES

Header = dict[str, Any]


def token(key: ECKey, header: Header | None = None, **changes: Any) -> str:
    """An operator's token with other claims (None leaves one out) or another header."""
    now = int(time.time())
    claims = {"iss": tokens.ISSUER, "aud": tokens.AUDIENCE, "sub": "x", "iat": now, "exp": now + 60, "role": "operator"}
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": key.kid} | (header or {}), claims, key)


def encoded(part: bytes | object) -> str:
    """A part of a token."""
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def other_header(key: ECKey, header: bytes | object) -> str:
    """A good token under a header that it was not signed with."""
    _, claims, signature = token(key).split(".")
    return f"{encoded(header)}.{claims}.{signature}"


def without_signature(key: ECKey) -> str:
    """A token that says it needs none."""
    header = {"alg": "none", "typ": "at+jwt"}
    return f"{encoded(header)}.{token(key).split('.')[1]}."


def by_public_key(key: ECKey, secret: bytes) -> str:
    """A token whose HMAC is made with what everyone knows."""
    header = {"alg": "HS256", "typ": "at+jwt", "kid": key.kid}
    signed = f"{encoded(header)}.{token(key).split('.')[1]}"
    return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def by_a_stranger(key: ECKey, *, embedded: bool) -> str:
    """A token that someone else has signed, with the platform's key id or with a key of its own inside."""
    stranger = ECKey.generate_key("P-256")
    header: Header = {"jwk": stranger.as_dict(private=False)} if embedded else {}
    return token(stranger, header | {"kid": key.kid})


def tampered(key: ECKey) -> str:
    """A company's token that was made an operator's."""
    header, _, signature = token(key, role="company").split(".")
    return f"{header}.{token(key).split('.')[1]}.{signature}"


BAD: dict[str, Callable[[ECKey], str]] = {
    "garbage": lambda key: "garbage",
    "three garbled parts": lambda key: "a.b.c",
    "not ASCII": lambda key: "é.é.é",
    "of five parts": lambda key: f"{token(key)}.a.b",
    "expired": lambda key: token(key, exp=int(time.time()) - LEEWAY - 1),
    "not valid yet": lambda key: token(key, nbf=int(time.time()) + 3_600),
    "never expiring": lambda key: token(key, exp=None),
    "expiring some day": lambda key: token(key, exp="tomorrow"),
    "of another issuer": lambda key: token(key, iss="https://elsewhere.example"),
    "of no issuer": lambda key: token(key, iss=None),
    "for another audience": lambda key: token(key, aud="another"),
    "for no audience": lambda key: token(key, aud=None),
    "an ID token": lambda key: token(key, {"typ": "JWT"}),
    "of no type": lambda key: token(key, {"typ": ""}),
    "of nobody": lambda key: token(key, sub=None),
    "of an empty subject": lambda key: token(key, sub=""),
    "of no role": lambda key: token(key, role=None),
    "of an unknown role": lambda key: token(key, role="minister"),
    "of an unknown region": lambda key: token(key, region="atlantis"),
    "of a company without an id": lambda key: token(key, company_id="0403170701"),
    "without a signature": without_signature,
    "HMAC with the public PEM": lambda key: by_public_key(key, key.as_pem(private=False)),
    "HMAC with the public JWK": lambda key: by_public_key(key, json.dumps(key.as_dict(private=False)).encode()),
    "of a stranger": lambda key: by_a_stranger(key, embedded=False),
    "of a stranger with a key inside": lambda key: by_a_stranger(key, embedded=True),
    "tampered": tampered,
    "of another algorithm": lambda key: other_header(key, {"alg": "RS256", "typ": "at+jwt", "kid": key.kid}),
    "of an unknown key": lambda key: other_header(key, {"alg": "ES256", "typ": "at+jwt", "kid": "unknown"}),
    "a header that is no object": lambda key: other_header(key, [1]),
    "a header of wrong kinds": lambda key: other_header(key, {"alg": [], "kid": {}, "typ": 1}),
    "a header that lists a number": lambda key: other_header(key, {"alg": "ES256", "kid": key.kid, "crit": 1}),
    "a header of many brackets": lambda key: other_header(key, b"[" * 5_000),
}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
async def test_a_bad_token_is_refused_everywhere(operator: Browser, make: Callable[[ECKey], str]) -> None:
    for service in SERVICES:
        url = f"{operator.platform.urls[service]}/v1{_place(service)}"
        bearer = f"Bearer {make(operator.platform.signing_key)}".encode()
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


def test_a_token_that_was_good_is_refused_once_it_has_expired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = secrets.keep(tmp_path, [])
    verifier = Verifier(Auth(jwks_file=kept.jwks_file))
    good = tokens.sign(kept.signing_key, "someone", Role.OPERATOR, hours=1)
    assert verifier.caller(good).role is Role.OPERATOR
    later = time.time() + 3_600 + LEEWAY
    monkeypatch.setattr(time, "time", lambda: later - 5)
    verifier.caller(good)
    monkeypatch.setattr(time, "time", lambda: later + 5)
    with pytest.raises(Problem, match="expired"):
        verifier.caller(good)
