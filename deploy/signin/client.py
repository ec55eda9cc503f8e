"""Access tokens as a browser gets them: authorization code flow with PKCE, and one click on the sign-in page."""

import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import httpx

from deploy.people import Person
from deploy.problems import Problem

CLIENT = "i2pcc"
BACK = "http://127.0.0.1/signed-in"
"""Where a browser would be sent with the code; nobody goes there."""
MARGIN = 60.0
"""Seconds before its end from which a token is not used any more."""


@dataclass
class SignIn:
    """Tokens of one issuer, each kept until shortly before it expires."""

    issuer: str
    http: httpx.AsyncClient
    _kept: dict[str, tuple[str, float]] = field(default_factory=dict)

    async def token(self, person: Person) -> str:
        """What the person's browser holds after signing in.

        Raises:
            Problem: the sign-in server cannot be reached, or refuses.
        """
        who = person.model_dump_json()
        token, end = self._kept.get(who, ("", 0.0))
        if end < time.monotonic():
            token, seconds = await self._sign_in(person)
            self._kept[who] = token, time.monotonic() + seconds - MARGIN
        return token

    async def _sign_in(self, person: Person) -> tuple[str, float]:
        verifier = secrets.token_urlsafe(48)
        state = secrets.token_urlsafe(16)
        asked = {
            "client_id": CLIENT,
            "response_type": "code",
            "scope": "openid",
            "redirect_uri": BACK,
            "state": state,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        clicked = {"username": person.subject, "claims": json.dumps(person.claims)}
        answer = await self._post("authorize", clicked, asked)
        back = parse_qs(urlsplit(answer.headers.get("location", "")).query)
        if back.get("state") != [state] or "code" not in back:
            raise self._refused(answer)
        exchanged = {
            "grant_type": "authorization_code",
            "client_id": CLIENT,
            "redirect_uri": BACK,
            "code": back["code"][0],
            "code_verifier": verifier,
        }
        answer = await self._post("token", exchanged)
        if answer.status_code != 200:
            raise self._refused(answer)
        given = answer.json()
        return given["access_token"], float(given["expires_in"])

    async def _post(self, path: str, form: dict[str, str], query: dict[str, str] | None = None) -> httpx.Response:
        try:
            return await self.http.post(f"{self.issuer}/{path}", data=form, params=query, follow_redirects=False)
        except httpx.TransportError as error:
            raise Problem(
                f"Sign-in cannot be reached at {self.issuer}.",
                "Start it with: i2pcc up",
            ) from error

    def _refused(self, answer: httpx.Response) -> Problem:
        return Problem(f"{self.issuer} gave no token; it answered {answer.status_code}.", "Its log says more.")


def _challenge(verifier: str) -> str:
    """RFC 7636, S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
