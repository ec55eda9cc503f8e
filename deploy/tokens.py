"""Access tokens of this machine's own sign-in, for the sample's people and for tests."""

import time
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.jwk import ECKey

from shared.settings import Auth
from shared.vocabulary import Region, Role

ISSUER: str = Auth.model_fields["issuer"].default
AUDIENCE: str = Auth.model_fields["audience"].default


def sign(
    key: ECKey,
    subject: str,
    role: Role,
    *,
    company_id: UUID | None = None,
    region: Region | None = None,
    organisation: str | None = None,
    hours: float = 12,
) -> str:
    """A JWT access token (RFC 9068) that says what a person is to the platform."""
    now = int(time.time())
    membership = {"company_id": company_id, "region": region, "organisation": organisation}
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": subject,
        "iat": now,
        "exp": now + int(hours * 3600),
        "jti": str(uuid4()),
        "role": str(role),
        **{name: str(value) for name, value in membership.items() if value is not None},
    }
    return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": key.kid}, claims, key, algorithms=["ES256"])
