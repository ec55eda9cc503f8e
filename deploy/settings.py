"""Where the platform on this machine keeps its state and listens, from I2PCC_* variables."""

import difflib
import os
import random
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self, TypeVar

from pydantic import AfterValidator, ByteSize, Field, ValidationError, create_model
from pydantic_settings import BaseSettings, SettingsConfigDict

import shared.settings
from deploy.problems import Problem

SERVICES = tuple(shared.settings.PORTS)
"""The services that run, in the order people read them."""

LOOPBACK = "127.0.0.1"
Port = Annotated[int, Field(ge=1, le=65_535)]
Folder = Annotated[Path, AfterValidator(Path.absolute)]
S = TypeVar("S", bound=BaseSettings)
REALM = "i2pcc"
"""The last part of the issuer's address; mock-oauth2-server names its key so too."""

if TYPE_CHECKING:
    _ServicePorts = BaseSettings
else:
    # One field a service, so that a new one is named in shared.settings alone.
    _fields = {f"{name}_port": (Port, port) for name, port in shared.settings.PORTS.items()}
    _ServicePorts = create_model("_ServicePorts", __base__=BaseSettings, **_fields)


class Settings(_ServicePorts):
    """The embedded platform: its folder, its ports on the loopback address, and how often a caller may ask."""

    model_config = SettingsConfigDict(env_prefix="I2PCC_", frozen=True)
    state: Folder = Field(default=Path(".i2pcc"), validate_default=True)
    http_host: str = LOOPBACK
    kafka_port: Port = 19092
    kafka_controller_port: Port = 19093
    postgres_port: Port = 15432
    postgres_buffers: ByteSize = Field(default=ByteSize(134_217_728), ge=1_048_576)
    """What PostgreSQL keeps in memory itself: with very many needs, as much as their index is large."""
    mail_port: Port = 1025
    mailbox_port: Port = 8025
    http_rate: shared.settings.Rate = shared.settings.Http.model_fields["rate"].default
    signin_port: Port = 8005
    zipkin_port: Port = 9411
    zipkin: bool = False
    """Whether Zipkin runs beside the platform."""

    @classmethod
    def for_tests(cls, state: Path) -> Self:
        """A platform of its own: its own folder, ports that are free, callers in a hurry."""
        names = port_names()
        ports = dict(zip(names, free_ports(len(names)), strict=True))
        return cls.model_validate({"state": state, "http_rate": "1000000/second", **ports})

    def within(self, name: str) -> Self:
        """The same with a folder of its own inside this one: what is made there goes when this one is wiped."""
        return self.model_copy(update={"state": self.state / name})

    def port(self, name: str) -> int:
        """The port of a part of the platform."""
        return int(getattr(self, f"{name}_port"))

    def address(self, part: str) -> str:
        """Where a part is reached: services as I2PCC_HTTP_HOST says, all else on this machine alone."""
        everywhere = self.http_host == "0.0.0.0"
        return LOOPBACK if everywhere or part not in SERVICES else self.http_host

    @property
    def urls(self) -> dict[str, str]:
        """Where the HTTP servers are, by name."""
        return {
            name: f"http://{self.address(name)}:{self.port(name)}"
            for name in (*SERVICES, "mailbox", *["zipkin"] * self.zipkin)
        }

    @property
    def traces(self) -> Path:
        """Where the services keep the spans of the last day."""
        return self.state / "traces"

    @property
    def issuer(self) -> str:
        """Who signs the tokens, and where people sign in: on this machine alone, for it lets anyone in as anyone."""
        return f"http://{LOOPBACK}:{self.signin_port}/{REALM}"

    @property
    def kafka_servers(self) -> str:
        """Kafka's host:port."""
        return f"{LOOPBACK}:{self.kafka_port}"


class Provision(BaseSettings):
    """Servers that are somewhere else, for `i2pcc provision`; Kafka, and the admin there, are shared.settings.Kafka."""

    model_config = SettingsConfigDict(env_prefix="I2PCC_")
    kafka_replication: int = Field(default=1, ge=1, description="copies of each topic")
    postgres_url: str = Field(description="postgresql:// of a superuser, with its database")
    role_password: str | None = Field(default=None, description="one for all roles and users, in development")
    passwords_file: Path | None = Field(default=None, description="JSON: the password of each role")
    kafka_passwords_file: Path | None = Field(default=None, description="JSON: the password of each Kafka user")


def port_names() -> list[str]:
    """The settings that are ports."""
    return [name for name in Settings.model_fields if name.endswith("_port")]


def read(kind: type[S]) -> S:
    """Read settings from the environment.

    Raises:
        Problem: a variable is unknown, or its value is wrong.
    """
    refuse_unknown(os.environ)
    try:
        return kind()
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:  # of several variables, and its input is all of them, a password perhaps
            raise Problem(f"The environment is wrong: {first['msg'].removeprefix('Value error, ')}.", code=2) from error
        name = f"{kind.model_config.get('env_prefix', '')}{'_'.join(map(str, first['loc']))}".upper()
        if first["type"] == "missing":
            raise Problem(f"{name} is not set.", code=2) from error
        raise Problem(f"{name}={first['input']} is wrong: {first['msg']}.", code=2) from error


def refuse_unknown(environment: Mapping[str, str]) -> None:
    """A misspelt variable would be ignored silently; say which one was meant."""
    known = _known()
    for name in sorted(environment):
        if name.startswith("I2PCC_") and not name.startswith("I2PCC_PASSWORD_") and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(sorted(known))}."
            raise Problem(f"{name} is not a setting.", hint, code=2)


def _known() -> set[str]:
    concerns = [kind for kind in vars(shared.settings).values() if isinstance(kind, type)]
    return {
        f"{kind.model_config.get('env_prefix', '')}{name}".upper()
        for kind in (Settings, Provision, *concerns)
        if issubclass(kind, BaseSettings)
        for name in kind.model_fields
    }


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on, below those the system gives to outgoing connections."""
    candidates = random.sample(range(20_000, 30_000), 500)
    return [port for port in candidates if is_free(port)][:count]


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen there now."""
    try:
        bind(port, host)
    except OSError:
        return False
    return True


def bind(port: int, host: str) -> None:
    """Take a port as a server would, and let go of it. Raises OSError when it can't be had."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
