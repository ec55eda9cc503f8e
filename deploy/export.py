"""What the export command does: ask each service what it holds about a person, as that person, and tell it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import orjson
from rich.text import Text

from deploy.embedded.platform import Platform
from deploy.files import write
from deploy.people import Person
from deploy.problems import Problem, disk
from deploy.screen import columns, console, heading
from deploy.settings import SERVICES
from deploy.signin.client import SignIn

Data = dict[str, Any]
"""What a service answers to GET /v1/me/data."""


async def collected(platform: Platform, person: Person) -> dict[str, Data]:
    """What each service holds about a person."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        token = await SignIn(platform.settings.issuer, http).token(person)
        http.headers["Authorization"] = f"Bearer {token}"
        return {service: await held(http, service, platform.urls[service]) for service in SERVICES}


def tell(found: Mapping[str, Data], file: str | None = None) -> None:
    """Show it readably; or write it as JSON into a file, or show it as JSON for `-`."""
    if file is None:
        _show(found)
        return
    text = orjson.dumps(found, option=orjson.OPT_INDENT_2).decode()
    if file == "-":
        print(text)
        return
    with disk(Path(file).absolute().parent, "Name a file in another folder."):
        write(Path(file), text + "\n")
    console.print(f"It is in {file}, which only you can read.", soft_wrap=True)


async def held(http: httpx.AsyncClient, service: str, url: str) -> Data:
    """All that one service holds about who has signed in; of a long audit log part after part.

    Raises:
        Problem: the service cannot be reached, or refuses.
    """
    found = await _asked(http, service, url, 0)
    part = found
    while part["after"]:
        part = await _asked(http, service, url, part["after"])
        found["audit"] += part["audit"]
    return {name: value for name, value in found.items() if name != "after"}


async def _asked(http: httpx.AsyncClient, service: str, url: str, after: int) -> Data:
    try:
        answer = await http.get(f"{url}/v1/me/data", params={"after": after})
    except httpx.TransportError as error:
        raise Problem(f"{service} cannot be reached at {url}.", "Start it with: i2pcc up") from error
    if answer.is_error:
        raise Problem(f"{service} answered {answer.status_code}: {answer.json().get('detail')}", "Its log says more.")
    data: Data = answer.json()
    return data


def _show(found: Mapping[str, Data]) -> None:
    for service, data in found.items():
        heading(f"{service}, about {data['subject']}")
        for kind, rows in data["rows"].items():
            for row in rows:
                _tell(kind, {name: value for name, value in row.items() if value is not None})
        for answer in data["answers"]:
            _tell("answer kept for a day", answer)
        for act in data["audit"]:
            objects = ", ".join(f"{each['type']} {each['key']}" for each in act["objects"])
            _tell("audit", act | {"objects": objects})
        if not (any(data["rows"].values()) or data["answers"] or data["audit"]):
            console.print("nothing")


def _tell(kind: str, values: Mapping[str, Any]) -> None:
    row = columns()
    row.add_row(Text(kind, "dim"), Text("  ".join(f"{name}={value}" for name, value in values.items())))
    console.print(row)
