"""What the audit commands do: check each service's audit log, with the service's own rights, and show who did what."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from pydantic import TypeAdapter, ValidationError
from rich.text import Text

from deploy.embedded.platform import Platform
from deploy.files import write
from deploy.problems import Problem, disk
from deploy.running import known
from deploy.screen import console, headed
from deploy.settings import SERVICES
from shared.audit import Head, Report, verify
from shared.db import Driver

HEADS = TypeAdapter(dict[str, Head])
SHOWN = """
    select at, subject, role, action, objects from audit
    where ($1::text is null or subject = $1)
        and ($2::text is null or exists (select from json_array_elements(objects) each where each ->> 'key' = $2))
    order by id desc limit $3
"""


async def check(platform: Platform, file: Path | None = None) -> bool:
    """Verify and tell; heads that were noted in the file must still be there, and it then notes the new ones.

    Returns:
        Whether nothing is wrong.
    """
    noted = _noted(file) if file else {}
    reports: dict[str, Report] = {}
    for service in SERVICES:
        async with _connected(platform, service) as connection:
            reports[service] = await verify(connection, noted.get(service))
    _tell(reports)
    whole = not any(report.wrong for report in reports.values())
    if file and whole:
        heads = {name: report.head for name, report in reports.items() if report.head}
        with disk():
            write(file, HEADS.dump_json(heads, indent=2).decode() + "\n")
    return whole


async def show(
    platform: Platform, service: str | None = None, subject: str | None = None, key: str | None = None, limit: int = 20
) -> None:
    """Show who did what, a line each, the newest last: of all services or one, of one subject, of one object."""
    found: list[tuple[str, asyncpg.Record]] = []
    for name in [known(service)] if service else SERVICES:
        async with _connected(platform, name) as connection:
            found += [(name, row) for row in await connection.fetch(SHOWN, subject, key, limit)]
    for name, row in sorted(found, key=lambda each: each[1]["at"])[-limit:]:
        at = f"{row['at'].astimezone():%Y-%m-%d %H:%M:%S}"
        told = (at, name, row["subject"], row["role"] or "-", row["action"], _objects(row["objects"]))
        console.print(Text("  ".join(told)), soft_wrap=True)


def _tell(reports: Mapping[str, Report]) -> None:
    table = headed("service", "sealed", "unsealed", "oldest", "head: position and hash")
    for name, report in reports.items():
        oldest = f"{report.oldest.astimezone():%Y-%m-%d %H:%M:%S}" if report.oldest else "-"
        head = f"{report.head.position} {report.head.hash}" if report.head else "-"
        table.add_row(name, str(report.sealed), str(report.waiting), oldest, head)
    console.print(table)
    for name, report in reports.items():
        for kind, found in report.wrong.items():
            first = ", ".join(map(str, found.first)) + (", …" if found.count > len(found.first) else "")
            console.print(f"{name}: {found.count} {kind}: {first}", soft_wrap=True)


def _objects(text: str) -> str:
    return ", ".join(f"{each['type']} {each['key']}" for each in orjson.loads(text))


def _noted(file: Path) -> dict[str, Head]:
    """The heads that an earlier run has noted; none in a file that is still to be made."""
    try:
        with disk():
            return HEADS.validate_json(file.read_bytes()) if file.exists() else {}
    except ValidationError as error:
        raise Problem(
            f"{file} is not a file of heads: {error.errors()[0]['msg']}.",
            "Name the one that `i2pcc audit verify --head` wrote earlier, or one that does not exist yet.",
            code=2,
        ) from error


@asynccontextmanager
async def _connected(platform: Platform, service: str) -> AsyncIterator[Driver]:
    """A connection as the service has it."""
    if platform.process("postgres") is None:
        raise Problem("PostgreSQL does not run here, so there is no audit log to read.", "Run: i2pcc up")
    connection: Any = await asyncpg.connect(platform.database_url(platform.manifest.services[service].role))
    try:
        yield connection
    finally:
        await connection.close()
