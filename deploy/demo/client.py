"""The platform's HTTP APIs as a person's browser uses them."""

from typing import Any
from uuid import uuid4

import httpx

from deploy.people import Person
from deploy.problems import Problem
from deploy.signin.client import SignIn


class Client:
    """One person, signed in."""

    def __init__(self, http: httpx.AsyncClient, urls: dict[str, str], person: Person, signin: SignIn) -> None:
        self.person = person
        self._http = http
        self._urls = urls
        self._signin = signin

    async def command(
        self, service: str, path: str, body: Any = None, again: bool = False, key: str | None = None
    ) -> Any:
        """Send a command, with a fresh Idempotency-Key unless told; `again`: that it was done before is no problem.

        Raises:
            Problem: it was refused, with the platform's own words.
        """
        headers = await self._authorization() | {"Idempotency-Key": key or str(uuid4())}
        answer = await self._http.post(f"{self._urls[service]}/v1{path}", json=body, headers=headers)
        return answer.json() if again and answer.status_code == 409 else _checked(answer)

    async def put(self, service: str, path: str, body: Any) -> Any:
        """Change something that is there, with a fresh Idempotency-Key.

        Raises:
            Problem: it was refused, with the platform's own words.
        """
        headers = await self._authorization() | {"Idempotency-Key": str(uuid4())}
        return _checked(await self._http.put(f"{self._urls[service]}/v1{path}", json=body, headers=headers))

    async def read(self, service: str, path: str, *, absent: Any = None, **query: Any) -> Any:
        """Read something; `absent`, if given, is what it is as long as it is not there.

        Raises:
            Problem: it was refused.
        """
        headers = await self._authorization()
        answer = await self._http.get(f"{self._urls[service]}/v1{path}", params=query, headers=headers)
        return absent if absent is not None and answer.status_code == 404 else _checked(answer)

    async def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {await self._signin.token(self.person)}"}


def _checked(answer: httpx.Response) -> Any:
    if answer.is_error:
        detail = answer.json().get("detail", answer.text)
        raise Problem(f"{answer.request.method} {answer.request.url.path}: {detail}", "Its log says more.")
    return answer.json()
