"""What mock-oauth2-server is told: whose key it signs with, what its tokens say, and the page it shows."""

import json
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from joserfc.jwk import ECKey

from deploy.people import Person
from deploy.settings import REALM
from shared.settings import Auth
from shared.vocabulary import Role

LIFETIME = 3_600
"""Seconds that a token is good for."""
HEADINGS = {
    Role.COMPANY: "Companies",
    Role.REGION: "Regions",
    Role.COORDINATOR: "Coordinators",
    Role.PARTNER: "Partner systems",
    Role.OPERATOR: "Operators",
}
_TEMPLATES = Environment(
    loader=PackageLoader("deploy.signin", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def config(key: ECKey, page: Path) -> str:
    """Its JSON_CONFIG. Holds the private key: for the server's eyes only.

    Without a key of ours it would sign with one that is published with it, and known to everyone.

    Args:
        key: what it signs with, under the name REALM.
        page: the sign-in page as a file.
    """
    mapping = {
        "requestParam": "grant_type",
        "match": "authorization_code",
        "typeHeader": "at+jwt",
        "claims": {"aud": [Auth.model_fields["audience"].default]},
    }
    told = {
        "interactiveLogin": True,
        "loginPagePath": str(page),
        "httpServer": "NettyWrapper",
        "tokenProvider": {
            "keyProvider": {"initialKeys": json.dumps(key.as_dict(private=True)), "algorithm": "ES256"},
        },
        "tokenCallbacks": [{"issuerId": REALM, "tokenExpiry": LIFETIME, "requestMappings": [mapping]}],
    }
    return json.dumps(told)


def page(people: Sequence[Person]) -> str:
    """The sign-in page: a button a person, by role. A click posts who it is, and what the token says besides."""
    groups = [(heading, [person for person in people if person.role is role]) for role, heading in HEADINGS.items()]
    return _TEMPLATES.get_template("page.html").render(groups=[group for group in groups if group[1]])
