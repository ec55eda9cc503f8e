"""docker-compose.yml and the Dockerfile name nothing that is not there, and say what the rest of the platform says."""

import importlib
import json
import os
import re
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from deploy import cli, manifest
from deploy.demo import compose
from deploy.embedded import jars, kafka, mailbox
from deploy.images.secrets import USERS, share
from deploy.settings import REALM, SERVICES, Settings, refuse_unknown
from deploy.signin.client import CLIENT
from shared.auth import Caller
from shared.settings import PORTS
from shared.vocabulary import Region, Role

ROOT = compose.FILE.parent
STACK: dict[str, dict[str, Any]] = yaml.safe_load(compose.FILE.read_text())["services"]
PARTS = sorted(STACK)
BUILT = sorted(name for name, part in STACK.items() if "build" in part)
DOCKERFILE = (ROOT / "deploy/images/Dockerfile").read_text()
SECRET = re.compile(r"/run/i2pcc[/:]([\w.-]+)")
READERS = sorted(name for name, part in STACK.items() if SECRET.search(json.dumps(part.get("environment"))))
PUBLISHED = re.compile(r"(?:127\.0\.0\.1|\$\{I2PCC_HTTP_HOST:-127\.0\.0\.1}):\$\{I2PCC_(\w+)_PORT:-(\d+)}:(\d+)")


def variables(part: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = part.get("environment", {})
    return found


def listening(name: str) -> dict[str, int]:
    """The ports that a part of ours listens on inside its container, by their settings."""
    defaults = {setting: field.default for setting, field in Settings.model_fields.items() if setting.endswith("_port")}
    return {
        setting: int(variables(STACK[name]).get(f"I2PCC_{setting}".upper(), port)) for setting, port in defaults.items()
    }


def broker_properties() -> dict[str, str]:
    """What the official image makes of its variables; Docker makes $ of $$."""
    return {
        key.removeprefix("KAFKA_").lower().replace("___", "-").replace("_", "."): text.replace("$$", "$")
        for key, text in variables(STACK["kafka"]).items()
    }


def embedded_properties() -> dict[str, str]:
    lines = (kafka.HERE / "server.properties").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the container `secrets` leaves; only root may give files to others."""
    folder = tmp_path_factory.mktemp("volume")
    share(folder, USERS if os.geteuid() == 0 else dict.fromkeys(USERS, os.geteuid()))
    return folder


def test_the_stack_is_all_that_the_platform_is() -> None:
    added = {name for name, part in STACK.items() if "profiles" in part}
    assert set(STACK) - added == {*SERVICES, "kafka", "postgres", "mailbox", "signin", "provision", "secrets"}
    assert added == {"keycloak", "prometheus", "grafana"}


def test_servers_are_the_official_images_of_the_versions_tried() -> None:
    (version,) = [jar.version for jar in jars.locked(jars.KAFKA) if jar.artifact == "kafka_2.13"]
    assert STACK["kafka"]["image"] == f"apache/kafka:{version}"
    assert STACK["postgres"]["image"] == "pgvector/pgvector:pg18"
    assert STACK["keycloak"]["image"] == "quay.io/keycloak/keycloak:26.7.3"
    assert STACK["prometheus"]["image"] == "prom/prometheus:v3.13.5"
    assert STACK["grafana"]["image"] == "grafana/grafana:13.2.3"


def test_kafka_is_set_as_the_embedded_one() -> None:
    here, embedded = broker_properties(), embedded_properties()
    common = here.keys() & embedded.keys() - {
        "listeners",
        "advertised.listeners",
        "log.dirs",
        "listener.security.protocol.map",
    }
    assert {key: here[key] for key in common} == {
        key: embedded[key].replace("{password}", "${secrets:/run/i2pcc:kafka}") for key in common
    }
    assert {key for key in embedded if re.search("replication|auto.create|sasl|authorizer|allow|super", key)} <= common


def test_nobody_comes_into_kafka_without_a_password() -> None:
    for properties in (broker_properties(), embedded_properties()):
        protocols = dict(pair.split(":") for pair in properties["listener.security.protocol.map"].split(","))
        assert set(protocols.values()) == {"SASL_PLAINTEXT"}
        assert {listener.partition(":")[0] for listener in properties["listeners"].split(",")} == protocols.keys()


@pytest.mark.parametrize("name", BUILT)
def test_every_image_is_made_by_the_one_dockerfile_with_an_extra_of_its_name(name: str) -> None:
    build = STACK[name]["build"]
    assert (ROOT / build["context"] / build["dockerfile"]).read_text() == DOCKERFILE
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert build["args"]["SERVICE"] == name
    assert name in extras
    assert all(f"ARG {argument}\n" in DOCKERFILE for argument in build["args"])


@pytest.mark.parametrize("name", [name for name in BUILT if "target" in STACK[name]["build"]])
def test_an_image_that_holds_jars_is_a_stage_that_finds_them(name: str) -> None:
    lock = {"matching": "models", "signin": "signin"}[name]
    assert STACK[name]["build"]["target"] == name
    (folder, source) = re.findall(rf"^FROM python AS {name}\nENV \w+=(\S+)\nCOPY --from=(\w+) ", DOCKERFILE, re.M)[0]
    made = rf"^FROM python AS {source}\nUSER root\nRUN M2_REPO={folder} .* deploy/embedded/{lock}\.lock "
    assert re.search(made, DOCKERFILE, re.M)


def test_the_image_is_made_of_files_that_are_there_and_not_ignored() -> None:
    sources = [word for line in re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.M) for word in line.split()]
    kept = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.M)
    assert set(sources) == set(kept)
    assert all((ROOT / source).exists() for source in sources)


@pytest.mark.parametrize("name", PARTS)
def test_every_variable_belongs_to_a_setting(name: str) -> None:
    named = {*variables(STACK[name]), *re.findall(r"\$\{(\w+)", json.dumps(STACK[name]))}
    refuse_unknown(dict.fromkeys(named, ""))


@pytest.mark.parametrize("name", [*BUILT, "secrets"])
def test_every_command_is_there(name: str) -> None:
    _, _, module, *arguments = STACK[name].get("command", ["python", "-m", f"services.{name}.app"])
    assert find_spec(module)
    if module == "deploy.cli":
        assert arguments[0] in {
            command.callback.__name__ for command in cli.app.registered_commands if command.callback
        }


@pytest.mark.parametrize("name", [name for name in PARTS if "ports" in STACK[name] and "profiles" not in STACK[name]])
def test_ports_are_the_embedded_platforms_on_the_loopback_address(name: str) -> None:
    for port in STACK[name]["ports"]:
        found = PUBLISHED.fullmatch(port)
        assert found, f"{port} is open to others, or has no variable"
        setting, outside, inside = found[1].lower(), int(found[2]), int(found[3])
        assert outside == Settings.model_fields[f"{setting}_port"].default
        if name in BUILT:
            assert inside == listening(name)[f"{setting}_port"]


@pytest.mark.parametrize("name", [*SERVICES, "mailbox", "signin"])
def test_health_is_asked_where_the_app_answers(name: str, tmp_path: Path) -> None:
    (address,) = re.findall(r"http://[^']+", STACK[name]["healthcheck"]["test"][-1])
    url = urlsplit(address)
    assert (url.hostname, url.port) == ("127.0.0.1", listening(name)[f"{name}_port"])
    if name == "mailbox":
        paths = {getattr(route, "path", "") for route in mailbox.web(mailbox.Box(tmp_path / "mail")).routes}
    elif name == "signin":
        paths = {f"/{REALM}/jwks"}
    else:
        paths = set(getattr(importlib.import_module(f"services.{name}.app"), name).app().openapi()["paths"])
    assert url.path in paths


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_its_own_role_and_waits_for_provisioning(name: str) -> None:
    made = manifest.load()
    url = urlsplit(variables(STACK[name])["I2PCC_DATABASE_URL"])
    assert (url.username, url.path) == (made.services[name].role, f"/{made.database}")
    assert STACK[name]["depends_on"] == {"provision": {"condition": "service_completed_successfully"}}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_its_own_kafka_user(name: str, volume: Path) -> None:
    told = variables(STACK[name])
    passwords = json.loads((volume / "made/kafka.json").read_text())
    file = volume / Path(told["I2PCC_KAFKA_PASSWORD_FILE"]).relative_to("/run/i2pcc")
    assert told["I2PCC_KAFKA_USER"] == name
    assert file.read_text() == passwords[name]


@pytest.mark.parametrize("name", PARTS)
def test_the_file_holds_no_password(name: str) -> None:
    urls = [str(value) for value in variables(STACK[name]).values() if "://" in str(value)]
    assert not [url for url in urls if urlsplit(url).password]


@pytest.mark.parametrize("name", READERS)
def test_secrets_are_read_by_the_user_they_are_made_for(name: str, volume: Path) -> None:
    for path in SECRET.findall(json.dumps(variables(STACK[name]))):
        stat = (volume / path).stat()
        assert stat.st_mode & 0o077 == 0
        assert os.geteuid() != 0 or stat.st_uid == user(name)


def user(name: str) -> int:
    """The number of the user that a container runs as."""
    (ours,) = re.findall(r"^USER (\d+)", DOCKERFILE, re.M)
    return int(STACK[name].get("user", ours).partition(":")[0])


def test_the_demo_finds_kafkas_passwords(volume: Path) -> None:
    assert (volume / Path(compose.PASSWORDS).relative_to("/run/i2pcc")).exists()


def test_each_reads_its_own_secrets_and_nobody_elses(volume: Path) -> None:
    assert {*SERVICES, "kafka", "keycloak", "postgres", "provision", "signin"} == set(READERS)
    assert len({user(name) for name in READERS}) == len(READERS)
    assert (volume / "made").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", PARTS)
def test_containers_may_do_little(name: str) -> None:
    part = STACK[name]
    assert part["security_opt"] == ["no-new-privileges:true"]
    assert part["cap_drop"] == ["ALL"]
    assert part["logging"]["options"]["max-size"]
    assert part.get("read_only") or name in ("kafka", "keycloak", "grafana")


def test_who_lets_anyone_in_is_published_on_the_loopback_address_alone() -> None:
    published = [*STACK["signin"]["ports"], *STACK["keycloak"]["ports"]]
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


def test_services_believe_the_issuer_that_browsers_reach_by_keys_fetched_inside() -> None:
    surroundings = variables(STACK["intake"])
    assert surroundings["I2PCC_AUTH_ISSUER"] == (
        "${I2PCC_AUTH_ISSUER:-http://127.0.0.1:${I2PCC_SIGNIN_PORT:-8005}/" + REALM + "}"
    )
    assert surroundings["I2PCC_AUTH_JWKS_URL"] == "${I2PCC_AUTH_JWKS_URL:-http://signin:8005/" + REALM + "/jwks}"


def test_the_sign_in_server_is_told_our_key_and_our_page(volume: Path) -> None:
    told = json.loads((volume / "signin.json").read_text())
    kept = json.loads((volume / "made" / "signing-key.json").read_text())
    assert json.loads(told["tokenProvider"]["keyProvider"]["initialKeys"]) == kept
    assert (volume / Path(told["loginPagePath"]).name).stat().st_mode & 0o777 == 0o644


def test_keycloaks_admin_is_known_to_nobody_else(volume: Path) -> None:
    password = (volume / "keycloak.conf").read_text().strip().rpartition("=")[2]
    holders = [file.name for file in volume.iterdir() if file.is_file() and password in file.read_text()]
    assert len(password) > 20
    assert holders == ["keycloak.conf"]


REALM_FILE: dict[str, Any] = json.loads((ROOT / "deploy/keycloak/realm.json").read_text())


def test_the_realm_has_no_users_and_one_client_without_a_secret() -> None:
    assert "users" not in REALM_FILE
    (client,) = REALM_FILE["clients"]
    assert client["clientId"] == CLIENT
    assert client["publicClient"]
    assert "secret" not in client
    assert client["attributes"]["pkce.code.challenge.method"] == "S256"
    assert client["attributes"]["access.token.header.type.rfc9068"] == "true"
    assert [client["implicitFlowEnabled"], client["directAccessGrantsEnabled"]] == [False, False]
    assert client["redirectUris"] == [
        f"http://127.0.0.1:{port}/docs/assets/oauth2-redirect.html" for port in PORTS.values()
    ]


def test_what_a_caller_is_only_an_admin_of_the_realm_may_change() -> None:
    (provider,) = REALM_FILE["components"]["org.keycloak.userprofile.UserProfileProvider"]
    profile = json.loads(provider["config"]["kc.user.profile.config"][0])
    attributes = {attribute["name"]: attribute for attribute in profile["attributes"]}
    mapped = {mapper["config"].get("claim.name", "aud") for mapper in REALM_FILE["clients"][0]["protocolMappers"]}
    claims = Caller.model_fields.keys() - {"subject"}
    assert mapped == {*claims, "aud"}
    assert all(attributes[claim]["permissions"]["edit"] == ["admin"] for claim in claims)
    assert attributes["role"]["validations"]["options"]["options"] == list(Role)
    assert attributes["region"]["validations"]["options"]["options"] == list(Region)
