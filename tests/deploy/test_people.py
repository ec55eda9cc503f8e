"""The sample's people are known by name, and to the services without it."""

import pytest

from deploy import people
from deploy.problems import Problem
from shared.vocabulary import Region, Role, company_id

COMPANY = people.Person(name="Els Peeters", role=Role.COMPANY, company="0403.170.701")
REGION = people.Person(name="Li Wei", role=Role.REGION, region=Region.SHAANXI)


def test_membership_is_what_the_token_claims() -> None:
    assert COMPANY.claims == {"role": "company", "company_id": str(company_id("BE 0403170701"))}
    assert REGION.claims == {"role": "region", "region": "shaanxi"}


def test_a_token_says_who_without_a_name() -> None:
    assert COMPANY.subject != REGION.subject
    assert "Peeters" not in f"{COMPANY.subject} {COMPANY.claims}"


def test_a_misspelt_person_is_told_with_the_nearest() -> None:
    assert people.find("li wei", [COMPANY, REGION]) is REGION
    with pytest.raises(Problem) as caught:
        people.find("Els Peters", [COMPANY, REGION])
    assert "Els Peeters" in caught.value.hint
