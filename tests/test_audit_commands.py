"""i2pcc audit: what it shows of the logs, and that it finds out what was changed in them."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from deploy.embedded.platform import Platform
from deploy.settings import SERVICES
from deploy.waiting import until
from tests.browser import Browser
from tests.deploy.test_cli import run
from tests.factories import (
    company_person,
    contact_body,
)
from tests.tables import audit_rows, superuser


@pytest_asyncio.fixture
async def done(operator: Browser) -> dict[str, Any]:
    """Something that was done and is sealed; its row."""
    browser, key = operator.of(company_person()), str(uuid4())
    await browser.done("intake", "/v1/contacts", contact_body(), key=key)
    (row,) = await audit_rows(operator.platform, "intake", key)

    async def sealed() -> bool:
        async with superuser(operator.platform) as connection:
            query = "select exists (select from intake.audit_seal where audit_id = $1)"
            return bool(await connection.fetchval(query, row["id"]))

    assert await until(sealed, 30)
    return row


async def rename(platform: Platform, audit_id: int, subject: str) -> None:
    """Change who did it, as only a superuser can."""
    async with superuser(platform) as connection:
        await connection.execute("update intake.audit set subject = $2 where id = $1", audit_id, subject)


async def test_verify_tells_each_chain_and_ends_well(services: Platform, done: dict[str, Any]) -> None:
    result = run("audit", "verify", I2PCC_STATE=str(services.settings.state))
    assert (result.returncode, result.stderr) == (0, "")
    heading, *lines = result.stdout.splitlines()
    assert heading.split() == ["service", "sealed", "unsealed", "oldest", "head:", "position", "and", "hash"]
    assert [line.split()[0] for line in lines] == list(SERVICES)
    assert len(lines[0].split()[-1]) == 64


async def test_verify_tells_a_changed_row_and_ends_badly(services: Platform, done: dict[str, Any]) -> None:
    await rename(services, done["id"], "somebody else")
    result = run("audit", "verify", I2PCC_STATE=str(services.settings.state))
    await rename(services, done["id"], done["subject"])
    assert (result.returncode, result.stderr) == (1, "")
    assert result.stdout.splitlines()[-1] == f"intake: 1 rows that are not what was sealed: {done['id']}"


async def test_a_head_that_was_noted_must_still_be_there(
    services: Platform, done: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "heads.json"
    command = ("audit", "verify", "--head", str(file))
    environment = {"I2PCC_STATE": str(services.settings.state)}
    assert [run(*command, **environment).returncode for _ in range(2)] == [0, 0]
    noted = json.loads(file.read_text())
    assert noted["intake"]["position"] >= 1
    forged = json.dumps(noted | {"intake": noted["intake"] | {"hash": "00" * 32}})
    file.write_text(forged)
    result = run(*command, **environment)
    assert result.returncode == 1
    assert result.stdout.splitlines()[-1].startswith("intake: 1 positions that were noted")
    assert file.read_text() == forged


async def test_a_file_that_holds_no_heads_is_told(services: Platform, tmp_path: Path) -> None:
    file = tmp_path / "heads.json"
    file.write_text("nothing")
    result = run("audit", "verify", "--head", str(file), I2PCC_STATE=str(services.settings.state))
    assert result.returncode == 2
    assert result.stderr.startswith(f"{file} is not a file of heads: ")
    assert file.read_text() == "nothing"


async def test_show_tells_what_somebody_did_and_what_was_done_to_something(
    services: Platform, done: dict[str, Any]
) -> None:
    key = done["objects"][0]["key"]
    for chosen in (("--subject", done["subject"]), ("--object", key), ("--service", "intake", "--object", key)):
        result = run("audit", "show", *chosen, I2PCC_STATE=str(services.settings.state))
        assert (result.returncode, result.stderr) == (0, "")
        (line,) = result.stdout.splitlines()
        assert [part for part in ("intake", done["subject"], "company", done["action"], key) if part not in line] == []


async def test_show_tells_the_newest_last_and_no_more_than_asked_for(operator: Browser) -> None:
    browser = operator.of(company_person())
    ids = [(await browser.done("intake", "/v1/contacts", contact_body()))["contact_id"] for _ in range(3)]
    options = ("--subject", browser.person.subject, "--limit", "2")
    state = str(operator.platform.settings.state)
    lines = run("audit", "show", *options, I2PCC_STATE=state).stdout.splitlines()
    assert [line.split()[-1] for line in lines] == ids[1:]


def test_show_of_a_service_that_is_not_there_is_wrong_usage() -> None:
    result = run("audit", "show", "--service", "intke")
    assert (result.returncode, result.stderr.splitlines()[0]) == (2, "There is no service intke.")


@pytest.mark.parametrize("command", ["verify", "show"])
def test_where_nothing_runs_it_is_said_what_to_do(tmp_path: Path, command: str) -> None:
    result = run("audit", command, I2PCC_STATE=str(tmp_path / "state"))
    assert (result.returncode, result.stderr.splitlines()[-1]) == (1, "Run: i2pcc up")
