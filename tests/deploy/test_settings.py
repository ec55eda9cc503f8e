"""Mistakes in the environment are told before anything starts."""

import socket
from pathlib import Path

import pytest

from deploy.embedded.platform import PARTS
from deploy.embedded.ports import check_ports
from deploy.embedded.postgres import Postgres
from deploy.problems import Problem
from deploy.settings import Settings, port_names, read, refuse_unknown
from shared.settings import Kafka


def test_a_misspelt_variable_is_told_with_the_one_that_was_meant() -> None:
    with pytest.raises(Problem, match="I2PCC_INTAKE_PROT") as caught:
        refuse_unknown({"I2PCC_INTAKE_PROT": "1"})
    assert "I2PCC_INTAKE_PORT" in caught.value.hint
    assert caught.value.code == 2


def test_variables_of_the_services_are_known() -> None:
    refuse_unknown({"I2PCC_DATABASE_POOL": "5", "I2PCC_PASSWORD_I2PCC_INTAKE": "x", "PATH": "/bin"})


def test_a_wrong_value_is_told_with_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("I2PCC_NOTIFY_PORT", "99999")
    with pytest.raises(Problem, match="I2PCC_NOTIFY_PORT=99999"):
        read(Settings)


def test_postgresql_keeps_as_much_in_memory_as_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("I2PCC_POSTGRES_BUFFERS", "2GiB")
    assert "--shared_buffers=2097152kB" in Postgres(read(Settings)).program().command
    monkeypatch.setenv("I2PCC_POSTGRES_BUFFERS", "64kB")
    with pytest.raises(Problem, match="I2PCC_POSTGRES_BUFFERS=64kB"):
        read(Settings)


def test_a_kafka_user_without_a_password_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("I2PCC_KAFKA_USER", "intake")
    with pytest.raises(Problem, match="neither I2PCC_KAFKA_PASSWORD nor I2PCC_KAFKA_PASSWORD_FILE holds a password"):
        read(Kafka)


def test_a_kafka_password_is_read_from_its_file_and_not_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("I2PCC_KAFKA_USER", "intake")
    (tmp_path / "password").write_text("open sesame\n")
    monkeypatch.setenv("I2PCC_KAFKA_PASSWORD_FILE", str(tmp_path / "password"))
    assert read(Kafka).secret == "open sesame"
    monkeypatch.setenv("I2PCC_KAFKA_PASSWORD", "open barley")
    assert read(Kafka).secret == "open barley"
    assert "open" not in repr(read(Kafka))


@pytest.mark.parametrize(("variable", "value"), [("PROTOCOL", "PLAINTEXT"), ("MECHANISM", ""), ("PASSWORD", "")])
def test_nothing_lets_a_kafka_client_in_unknown(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    for name, given in {"USER": "intake", "PASSWORD": "open sesame", variable: value}.items():
        monkeypatch.setenv(f"I2PCC_KAFKA_{name}", given)
    with pytest.raises(Problem, match="I2PCC_KAFKA"):
        read(Kafka)


@pytest.mark.parametrize("name", [name.removesuffix("_port") for name in port_names()])
def test_a_taken_port_is_told_with_the_variable_to_set(tmp_path: Path, name: str) -> None:
    settings = Settings.for_tests(tmp_path)
    port = settings.port(name)
    with socket.create_server(("127.0.0.1", port)), pytest.raises(Problem, match=f"{port} is taken by") as caught:
        check_ports(settings, PARTS)
    assert f"I2PCC_{name.upper()}_PORT=" in caught.value.hint


def test_an_address_of_another_machine_is_told(tmp_path: Path) -> None:
    settings = Settings.for_tests(tmp_path).model_copy(update={"http_host": "192.0.2.1"})
    with pytest.raises(Problem, match=r"I2PCC_HTTP_HOST=192\.0\.2\.1"):
        check_ports(settings, ["intake"])


def test_no_two_parts_share_a_port(tmp_path: Path) -> None:
    settings = Settings.for_tests(tmp_path)
    same = settings.model_copy(update={"mail_port": settings.mailbox_port})
    with pytest.raises(Problem, match="I2PCC_MAIL_PORT"):
        check_ports(same, ["intake"])
