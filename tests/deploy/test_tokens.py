"""Tokens made here are believed by the services, with the membership they claim."""

from pathlib import Path

import pytest

from deploy import people, tokens
from deploy.embedded import secrets
from deploy.problems import Problem
from shared.auth import Verifier
from shared.problems import Problem as Refusal
from shared.settings import Auth
from shared.vocabulary import Region, Role, company_id

COMPANY = people.Person(name="Els Peeters", role=Role.COMPANY, company="0403.170.701")
REGION = people.Person(name="Li Wei", role=Role.REGION, region=Region.SHAANXI)


def test_membership_is_what_the_token_claims(tmp_path: Path) -> None:
    kept = secrets.keep(tmp_path, [])
    verifier = Verifier(Auth(jwks_file=kept.jwks_file))
    company = verifier.caller(COMPANY.token(kept.signing_key))
    assert (company.role, company.company_id) == (Role.COMPANY, company_id("BE 0403170701"))
    assert verifier.caller(REGION.token(kept.signing_key)).region is Region.SHAANXI


def test_a_token_says_who_without_a_name(tmp_path: Path) -> None:
    kept = secrets.keep(tmp_path, [])
    caller = Verifier(Auth(jwks_file=kept.jwks_file)).caller(COMPANY.token(kept.signing_key))
    assert caller.subject == COMPANY.subject
    assert "Peeters" not in str(caller)


def test_an_old_token_is_refused(tmp_path: Path) -> None:
    kept = secrets.keep(tmp_path, [])
    old = tokens.sign(kept.signing_key, "someone", Role.OPERATOR, hours=-1)
    with pytest.raises(Refusal):
        Verifier(Auth(jwks_file=kept.jwks_file)).caller(old)


def test_a_misspelt_person_is_told_with_the_nearest() -> None:
    assert people.find("li wei", [COMPANY, REGION]) is REGION
    with pytest.raises(Problem) as caught:
        people.find("Els Peters", [COMPANY, REGION])
    assert "Els Peeters" in caught.value.hint
