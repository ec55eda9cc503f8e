"""People in front of the running services: what they send, and the answers as they are."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import httpx

from deploy.embedded.platform import Platform
from deploy.people import Person
from deploy.signin.client import SignIn
from shared.vocabulary import Region
from tests.factories import company_body, company_person, contact_body, region_person

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Browser:
    """One person's browser."""

    http: httpx.AsyncClient
    platform: Platform
    person: Person
    signin: SignIn

    def of(self, person: Person) -> "Browser":
        """Another person's browser."""
        return replace(self, person=person)

    async def send(self, service: str, path: str, body: Any = None, *, method: str = "POST", **options: Any) -> Any:
        """Send a command; `key` sets its Idempotency-Key, `headers` and `content` are httpx's."""
        key = options.pop("key", str(uuid4()))
        headers = ({"Idempotency-Key": key} if key else {}) | options.pop("headers", {})
        if "content" not in options and body is not None:
            options["json"] = body
        return await self._request(method, service, path, headers=headers, **options)

    async def done(self, service: str, path: str, body: Any = None, **options: Any) -> Any:
        """Send a command that must be accepted; what it answered."""
        answer = await self.send(service, path, body, **options)
        assert answer.is_success, answer.text
        return answer.json()

    async def read(self, service: str, path: str, **query: Any) -> Any:
        """Read something."""
        return await self._request("GET", service, path, params=query)

    async def _request(
        self, method: str, service: str, path: str, *, headers: dict[str, Any] | None = None, **options: Any
    ) -> httpx.Response:
        signed = {"Authorization": f"Bearer {await self.signin.token(self.person)}"}
        url = f"{self.platform.urls[service]}{path}"
        return await self.http.request(method, url, headers=signed | (headers or {}), **options)


async def registered_company(anyone: Browser, **company: Any) -> tuple[Browser, str]:
    """A new company's person, its company registered, and the id of the contact it has shared."""
    made = anyone.of(company_person())
    await made.done("intake", "/v1/companies", company_body(made.person, **company))
    contact = await made.done("intake", "/v1/contacts", contact_body())
    return made, contact["contact_id"]


async def region_with_contact(anyone: Browser, region: Region = Region.HEBEI) -> tuple[Browser, str]:
    """A region's new person and the id of the contact it has shared."""
    made = anyone.of(region_person(region))
    contact = await made.done("regions", "/v1/contacts", contact_body(language="zh"))
    return made, contact["contact_id"]


def check_problem(answer: httpx.Response, status: int, *fields: str) -> dict[str, Any]:
    """The problem document (RFC 9457) of a refused request; its errors name these fields and say what is allowed."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert all(problem[name] for name in ("type", "title", "detail"))
    assert set(fields) <= {error["field"] for error in problem["errors"]}, problem["errors"]
    assert all(error["message"] for error in problem["errors"])
    return problem
