"""What is secret stays with its owner, and stays the same."""

from pathlib import Path

import pytest

from deploy.embedded import secrets
from deploy.problems import Problem


def test_secret_files_are_their_owners_alone(tmp_path: Path) -> None:
    secrets.keep(tmp_path / "secrets", ["one"], ["two"])
    assert {file.stat().st_mode & 0o077 for file in (tmp_path / "secrets").iterdir()} == {0}
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0


def test_a_later_start_keeps_passwords_and_key_and_adds_new_roles(tmp_path: Path) -> None:
    first = secrets.keep(tmp_path, ["one"])
    second = secrets.keep(tmp_path, ["one", "two"])
    assert second.passwords.items() > first.passwords.items()
    assert second.signing_key.kid == first.signing_key.kid


@pytest.mark.parametrize("file", ["passwords.json", "kafka.json", "signing-key.json"])
def test_a_damaged_file_is_told_and_left_as_it_is(tmp_path: Path, file: str) -> None:
    secrets.keep(tmp_path, ["one"])
    for damage in ("", '{"kty"', "[1]"):
        (tmp_path / file).write_text(damage)
        with pytest.raises(Problem, match="is damaged"):
            secrets.keep(tmp_path, ["one"])
        assert (tmp_path / file).read_text() == damage
