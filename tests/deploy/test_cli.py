"""The command answers mistakes in a sentence."""

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from joserfc import jwt

from deploy import people
from deploy.embedded.platform import Platform
from deploy.settings import free_ports

COMMAND = (sys.executable, "-c", "from deploy.cli import main; main()")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = os.environ | environment
    return subprocess.run((*COMMAND, *arguments), env=variables, capture_output=True, text=True, check=False)


def test_wrong_usage_is_exit_code_2_without_a_traceback() -> None:
    result = run("status", I2PCC_KAFKA_PROT="9092")
    assert result.returncode == 2
    assert result.stderr == "I2PCC_KAFKA_PROT is not a setting.\nDid you mean I2PCC_KAFKA_PORT?\n"


def test_down_when_nothing_runs_is_no_mistake(tmp_path: Path) -> None:
    assert run("down", "--wipe", I2PCC_STATE=str(tmp_path / "state")).returncode == 0


def test_without_docker_the_demo_says_what_to_do(tmp_path: Path) -> None:
    result = run("demo", "--compose", "--once", PATH="", I2PCC_STATE=str(tmp_path / "state"))
    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        "Docker is not installed here.",
        "Install Docker with its compose plugin. `i2pcc demo` without --compose needs no Docker.",
    ]


def test_status_of_nothing_says_so_in_its_exit_code(tmp_path: Path) -> None:
    result = run("status", I2PCC_STATE=str(tmp_path / "state"))
    assert result.returncode == 1
    assert "not running" in result.stdout
    assert not (tmp_path / "state").exists()


def test_a_token_is_the_persons_own(platform: Platform) -> None:
    result = run("token", "Zhao.Minghui", I2PCC_STATE=str(platform.settings.state))
    assert result.returncode == 0, result.stderr
    claims = jwt.decode(result.stdout.strip(), platform.secrets.signing_key, algorithms=["ES256"]).claims
    person = people.find("zhao.minghui", people.load())
    assert (claims["sub"], claims["region"], claims["role"]) == (person.subject, "hebei", "region")


def test_a_token_cannot_be_had_while_nothing_runs(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    result = run("token", "zhao.minghui", I2PCC_STATE=str(tmp_path / "state"), I2PCC_SIGNIN_PORT=str(port))
    assert result.returncode == 1
    assert result.stderr == f"Sign-in cannot be reached at http://127.0.0.1:{port}/i2pcc.\nStart it with: i2pcc up\n"


def test_learning_tells_what_it_found_and_writes_the_figures(platform: Platform, tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    result = run("matching", "train", "--dry-run", "--json", str(file), I2PCC_STATE=str(platform.settings.state))
    assert result.returncode == 0, result.stderr
    figures = orjson.loads(file.read_bytes())
    assert result.stdout.startswith(f"{figures['answers']} answers; {figures['judged']} judged matches of ")
    assert figures["adopted"] is False


def test_everything_is_matched_anew_on_demand(platform: Platform) -> None:
    result = run("matching", "rematch", I2PCC_STATE=str(platform.settings.state))
    assert result.returncode == 0, result.stderr
    assert "needs, proposals and companies more wait" in result.stdout


def test_nothing_is_learned_while_nothing_runs_or_for_a_file_without_a_folder(tmp_path: Path) -> None:
    stopped = run("matching", "train", I2PCC_STATE=str(tmp_path))
    assert (stopped.returncode, stopped.stderr.splitlines()[-1]) == (1, "Run: i2pcc up")
    homeless = run("matching", "train", "--json", str(tmp_path / "none" / "x.json"), I2PCC_STATE=str(tmp_path))
    assert homeless.returncode == 2
    assert homeless.stderr.splitlines()[-1] == "Name a file for --json in a folder that exists."


@pytest.mark.parametrize(
    "command",
    ["status", "status --watch", "trace ID", "eval FOLDER", "bench start", "chaos 1", "matching train"],
)
def test_a_file_for_figures_that_could_not_be_written_is_refused_before_the_work(command: str, tmp_path: Path) -> None:
    for file, why in ((tmp_path / "nowhere" / "x.json", "There is no folder"), (tmp_path, f"{tmp_path} is a folder.")):
        result = run(*command.split(), "--json", str(file), I2PCC_STATE=str(tmp_path / "state"))
        assert result.returncode == 2
        told, hint = result.stderr.splitlines()
        assert told.startswith(why)
        assert hint == "Name a file for --json in a folder that exists."
