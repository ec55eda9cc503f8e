"""The platform's HTTP APIs as a person's browser uses them."""

from typing import Any
from uuid import uuid4

import httpx

from deploy.people import Person
from deploy.problems import Problem


class Client:
    """One person, signed in."""

    def __init__(self, http: httpx.AsyncClient, urls: dict[str, str], person: Person, token: str) -> None:
        self.person = person
        self._http = http
        self._urls = urls
        self._headers = {"Authorization": f"Bearer {token}"}

    async def command(self, service: str, path: str, body: Any = None, again: bool = False) -> Any:
        """Send a command with a fresh Idempotency-Key; `again`: that it was done before is no problem.

        Raises:
            Problem: it was refused, with the platform's own words.
        """
        answer = await self._http.post(
            f"{self._urls[service]}/v1{path}", json=body, headers=self._headers | {"Idempotency-Key": str(uuid4())}
        )
        return answer.json() if again and answer.status_code == 409 else _checked(answer)

    async def read(self, service: str, path: str, **query: Any) -> Any:
        """Read something.

        Raises:
            Problem: it was refused.
        """
        return _checked(await self._http.get(f"{self._urls[service]}/v1{path}", params=query, headers=self._headers))


def _checked(answer: httpx.Response) -> Any:
    if answer.is_error:
        detail = answer.json().get("detail", answer.text)
        raise Problem(f"{answer.request.method} {answer.request.url.path}: {detail}", "Its log says more.")
    return answer.json()
