"""Who is calling: a Caller from a JWT access token (RFC 9068), checked against its issuer's keys."""

import time
from functools import lru_cache
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from pydantic import BaseModel, ConfigDict, Field

from shared.keys import Held, Keys
from shared.problems import Problem
from shared.rates import Rates
from shared.settings import Auth
from shared.vocabulary import COORDINATED, NETWORK, Province, Region, Role

ALGORITHMS = ["ES256", "RS256"]
LEEWAY = 30
"""Seconds by which clocks may differ."""


class Caller(BaseModel):
    """The one who calls, as the token says. Membership is a claim; no service stores it."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    subject: str = Field(alias="sub", min_length=1, max_length=255)
    role: Role
    company_id: UUID | None = None
    region: Region | None = None
    organisation: str | None = None

    @property
    def provinces(self) -> list[str]:
        """The provinces whose proposals, and all that comes of them, a coordinator or an operator reads."""
        match self.role:
            case Role.OPERATOR:
                return list(Province)
            case Role.COORDINATOR if self.organisation in NETWORK:
                return list(Province)
            case Role.COORDINATOR:
                return [name for name in COORDINATED if name == self.organisation]
            case _:
                return []

    @property
    def writes_for(self) -> list[str]:
        """The provinces whose companies' matches a coordinator decides on."""
        match self.role, self.organisation:
            case Role.COORDINATOR, "cleantech_flanders":
                return [Province.OTHER]
            case Role.COORDINATOR, str(organisation) if organisation in COORDINATED:
                return [organisation]
            case _:
                return []

    @property
    def side(self) -> str:
        """The caller's role and for whom: what may be told of somebody who did something; never a person."""
        match self.role:
            case Role.COORDINATOR:
                return f"coordinator of {self.organisation}"
            case Role.REGION | Role.PARTNER:
                return f"{self.role} of {self.region}"
            case _:
                return str(self.role)


class Verifier:
    """Checks tokens as RFC 8725 and RFC 9068 ask; no setting turns a check off.

    A token that was found good is believed until it expires, without its signature being redone, as long as the issuer
    publishes the same keys. One whose key the issuer has withdrawn is refused after five minutes at the latest, which
    is how often the keys are fetched; while the issuer cannot be reached, those of the last fetch are believed.
    """

    def __init__(self, settings: Auth) -> None:
        self.keys = Keys(str(settings.jwks_url))
        self._registry = jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": settings.issuer},
            aud={"essential": True, "value": settings.audience},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            role={"essential": True},
        )
        self._known = lru_cache(maxsize=4_096)(self._verify)

    async def caller(self, token: str) -> Caller:
        """The caller of a valid token.

        Raises:
            Problem: 401, with what is wrong with the token; 503, if the issuer's keys could not be had yet.
        """
        try:
            caller, expires = await self._checked(token)
        except (JoseError, ValueError, TypeError) as error:
            # TypeError: joserfc's own, for some headers that only an unsigned token can have.
            raise unauthorised(f"The access token is not valid: {getattr(error, 'error', 'claims')}.") from None
        if expires + LEEWAY < time.time():
            raise unauthorised("The access token has expired.")
        return caller

    async def _checked(self, token: str) -> tuple[Caller, float]:
        """By the keys that are held; by new ones, if it names a key that is not among them."""
        held = self.keys.held or await self.keys.renewed()
        if held is None:
            raise no_keys()
        try:
            return self._known(token, held)
        except InvalidKeyIdError:
            return self._known(token, await self.keys.renewed() or held)

    def _verify(self, token: str, held: Held) -> tuple[Caller, float]:
        decoded = jwt.decode(token, held.keys, algorithms=ALGORITHMS)
        if str(decoded.header.get("typ", "")).lower() not in ("at+jwt", "application/at+jwt"):
            raise ValueError("typ")
        if "crit" in decoded.header:
            raise ValueError("crit")
        self._registry.validate(decoded.claims)
        return Caller.model_validate(decoded.claims), float(decoded.claims["exp"])


def no_keys() -> Problem:
    """A 503: whether the caller is who they say cannot be known yet."""
    detail = "Sign-in cannot be reached, so that nobody's token can be checked yet. Try again in a few seconds."
    return Problem(503, "Not available now", detail, headers={"Retry-After": "5"})


def unauthorised(detail: str) -> Problem:
    """A 401 that tells the client how to sign in."""
    return Problem(401, "Not signed in", detail, headers={"WWW-Authenticate": "Bearer"})


_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="an access token (at+jwt)")


Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]


async def _caller(request: Request, credentials: Credentials) -> Caller:
    if credentials is None:
        raise unauthorised("This needs an access token in the header Authorization: Bearer …")
    verifier: Verifier = request.app.state.verifier
    return await verifier.caller(credentials.credentials)


async def current_caller(request: Request, credentials: Credentials) -> Caller:
    """Who calls. Every route has this dependency, or is opened by name: see shared.service.

    Raises:
        Problem: 401, there is no good token; 403, it does not say which company or region the caller acts for; 429,
            the caller asks too often, or from this address too many have failed to sign in.
    """
    rates: Rates = request.app.state.rates
    try:
        caller = await _caller(request, credentials)
    except Problem as problem:
        if problem.status == 401:
            rates.count(f"address {request.client.host if request.client else None}")
        raise
    rates.count(f"caller {caller.subject}")
    for role, claim in ((Role.COMPANY, "company_id"), (Role.REGION, "region")):
        if caller.role is role and getattr(caller, claim) is None:
            raise Problem(403, "Not allowed", f"The token has no {claim}: it does not say for which {role} it is.")
    return caller


CurrentCaller = Annotated[Caller, Depends(current_caller)]


class CompanyCaller(Caller):
    """Someone who acts for a company."""

    company_id: UUID


class RegionCaller(Caller):
    """Someone who acts for a region."""

    region: Region


async def _company(caller: CurrentCaller) -> Caller:
    if caller.role is not Role.COMPANY:
        raise Problem(403, "Not allowed", "Only someone who acts for a company may do this.")
    return CompanyCaller.model_construct(**dict(caller))


async def _region(caller: CurrentCaller) -> Caller:
    if caller.role is not Role.REGION:
        raise Problem(403, "Not allowed", "Only someone who acts for a region may do this.")
    return RegionCaller.model_construct(**dict(caller))


async def _reader(caller: CurrentCaller) -> Caller:
    if caller.role not in (Role.COMPANY, Role.COORDINATOR):
        raise Problem(403, "Not allowed", "Only someone who acts for a company or a coordinator may do this.")
    return caller


async def _overseer(caller: CurrentCaller) -> Caller:
    if caller.role not in (Role.COORDINATOR, Role.OPERATOR):
        raise Problem(403, "Not allowed", "Only a coordinator or an operator may do this.")
    return caller


async def _in_regions(caller: CurrentCaller) -> Caller:
    if caller.role is not Role.REGION and not (caller.role is Role.COORDINATOR and caller.provinces):
        raise Problem(
            403,
            "Not allowed",
            "Only a region's person, or a coordinator of a province, Cleantech Flanders or FIT may do this.",
        )
    return caller


async def _coordinator(caller: CurrentCaller) -> Caller:
    if caller.role is not Role.COORDINATOR or not caller.provinces:
        raise Problem(403, "Not allowed", "Only a coordinator of a province, Cleantech Flanders or FIT may do this.")
    return caller


async def _network(caller: CurrentCaller) -> Caller:
    if caller.role is Role.PARTNER or (caller.role is Role.COORDINATOR and not caller.provinces):
        raise Problem(403, "Not allowed", "Only people of the network may do this, not a partner system.")
    return caller


async def _network_coordinator(caller: Annotated[Caller, Depends(_coordinator)]) -> Caller:
    if caller.organisation not in NETWORK:
        raise Problem(403, "Not allowed", "Only a coordinator of Cleantech Flanders or FIT may do this.")
    return caller


async def _party(caller: CurrentCaller) -> Caller:
    if caller.role not in (Role.COMPANY, Role.REGION, Role.COORDINATOR):
        raise Problem(403, "Not allowed", "Only companies, regions and coordinators may do this.")
    return caller


Company = Annotated[CompanyCaller, Depends(_company)]
RegionPerson = Annotated[RegionCaller, Depends(_region)]
CompanyOrCoordinator = Annotated[Caller, Depends(_reader)]
RegionOrCoordinator = Annotated[Caller, Depends(_in_regions)]
Coordinator = Annotated[Caller, Depends(_coordinator)]
NetworkCoordinator = Annotated[Caller, Depends(_network_coordinator)]
CoordinatorOrOperator = Annotated[Caller, Depends(_overseer)]
NetworkPerson = Annotated[Caller, Depends(_network)]
"""Anybody but a partner system."""
Party = Annotated[Caller, Depends(_party)]
"""Those whom a match concerns: companies, regions, coordinators."""
