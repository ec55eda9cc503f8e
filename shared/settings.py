"""Settings, one small class per concern, from environment variables that start with I2PCC_."""

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, FilePath, HttpUrl, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Database(BaseSettings):
    """The service's own PostgreSQL role and database."""

    model_config = SettingsConfigDict(env_prefix="I2PCC_DATABASE_", hide_input_in_errors=True)
    url: str = Field(repr=False, description="postgresql://role:password@host:port/database")
    pool: int = Field(default=10, ge=1, le=100, description="connections per process")


class Kafka(BaseSettings):
    """Where the broker is, who this process is there, and how it reads."""

    model_config = SettingsConfigDict(env_prefix="I2PCC_KAFKA_", hide_input_in_errors=True)
    servers: str = Field(default="127.0.0.1:19092", description="host:port, comma separated")
    user: str = Field(min_length=1, description="a service's is its name")
    password: SecretStr | None = None
    password_file: FilePath | None = Field(default=None, description="holds the password alone")
    protocol: Literal["SASL_PLAINTEXT", "SASL_SSL"] = "SASL_PLAINTEXT"
    mechanism: Literal["SCRAM-SHA-512", "PLAIN"] = "SCRAM-SHA-512"
    batch: int = Field(default=500, ge=1, le=5_000, description="most records of one transaction")

    @model_validator(mode="after")
    def _has_password(self) -> Self:
        if not self.secret:
            raise ValueError("neither I2PCC_KAFKA_PASSWORD nor I2PCC_KAFKA_PASSWORD_FILE holds a password")
        return self

    @property
    def secret(self) -> str:
        """The password itself. A file is read each time: what has been changed there counts at the next connection."""
        if self.password:
            return self.password.get_secret_value()
        return self.password_file.read_text().strip() if self.password_file else ""


class Auth(BaseSettings):
    """Whose tokens are believed."""

    model_config = SettingsConfigDict(env_prefix="I2PCC_AUTH_")
    issuer: str = Field(min_length=1, description="the `iss` of a token, to the letter")
    jwks_url: HttpUrl = Field(description="where the issuer's JSON Web Key Set is")
    audience: str = Field(default="i2pcc", min_length=1, description="what a token's `aud` names")


def _rate(text: str) -> str:
    import limits  # 80 ms, which the i2pcc command has no use for

    with suppress(ValueError):
        if limits.parse(text).amount > 0:
            return text
    raise ValueError("I2PCC_HTTP_RATE must be a rate such as 3000/minute or 50 per second")


def _origin(text: str) -> str:
    if not re.fullmatch(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?", text):
        raise ValueError(
            "I2PCC_HTTP_ORIGINS must list origins such as https://portal.example.org, comma separated: in small "
            "letters, without a path, and never *"
        )
    return text


Rate = Annotated[str, AfterValidator(_rate)]
"""How often, in the notation of the package limits."""
Origin = Annotated[str, AfterValidator(_origin)]


def _listed(value: object) -> object:
    return [each.strip() for each in value.split(",") if each.strip()] if isinstance(value, str) else value


def _large(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


class Http(BaseSettings):
    """Where a service listens, whom it answers, and how much of a request and of requests it takes."""

    model_config = SettingsConfigDict(env_prefix="I2PCC_HTTP_", validate_default=True)
    host: str = "127.0.0.1"
    max_body: int = Field(default=65_536, ge=1_024, description="bytes")
    rate: Rate = Field(
        default="3000/minute", description="requests of one caller, and failed sign-ins from one address"
    )
    origins: Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(_listed)] = Field(
        default=(), description="web pages of other origins that may call, comma separated"
    )
    proxies: str = Field(
        default="", description="reverse proxies whose X-Forwarded-For is believed: addresses, comma separated"
    )
    connections: int = Field(default=1_000, ge=1, description="open at once, in one process")
    patience: float = Field(default=20, gt=0, description="seconds until a request must have arrived whole")
    fd: int | None = Field(default=None, ge=3, description="a socket that listens already, from who started this")


def _points(value: object) -> object:
    return dict(each.split("=", 1) for each in value.split(",") if "=" in each) if isinstance(value, str) else value


class Failpoints(BaseSettings):
    """Where this process is to die, for tests of what a crash leaves behind."""

    model_config = SettingsConfigDict(env_prefix="I2PCC_FAIL")
    points: Annotated[dict[str, Annotated[int, Field(ge=1)]], NoDecode, BeforeValidator(_points)] = Field(
        default={}, description="point=N, comma separated: each Nth time that it comes there"
    )


class Mail(BaseSettings):
    """The SMTP server mail leaves through."""

    model_config = SettingsConfigDict(env_prefix="I2PCC_MAIL_")
    host: str = "127.0.0.1"
    port: int = Field(default=1025, ge=1, le=65_535)
    sender: str = "I2PCC <noreply@i2pcc.local>"


class Contacts(BaseSettings):
    """What becomes of an erased person's traces: how soon Kafka compacts them, and where the erasure is noted."""

    model_config = SettingsConfigDict(env_prefix="I2PCC_CONTACTS_")
    marker_seconds: float = Field(
        default=3_660, gt=0, le=2_592_000, description="until an erasure is said again: a segment's time and a minute"
    )
    erasures: Path | None = Field(
        default=None, description="a folder of ledgers that note the id of each erased contact"
    )


class Clocks(BaseSettings):
    """How long a region's silence lasts: days after a match was presented, or one of its texts was revised."""

    model_config = SettingsConfigDict(env_prefix="I2PCC_MATCH_", validate_default=True)
    remind_days: int = Field(default=14, ge=1, le=3_650, description="until the region is reminded")
    escalate_days: int = Field(default=21, ge=1, le=3_650, description="until the coordinators are told")
    expire_days: int = Field(default=42, ge=1, le=3_650, description="the last day for an answer")

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if not self.remind_days < self.escalate_days < self.expire_days:
            raise ValueError(
                "I2PCC_MATCH_REMIND_DAYS, I2PCC_MATCH_ESCALATE_DAYS and I2PCC_MATCH_EXPIRE_DAYS must ascend; they are "
                f"{self.remind_days}, {self.escalate_days} and {self.expire_days}"
            )
        return self


def maven() -> Path:
    """This user's Maven cache."""
    return Path(os.environ.get("M2_REPO") or Path.home() / ".m2" / "repository")


class Models(BaseSettings):
    """Where the small models lie that texts are compared by."""

    model_config = SettingsConfigDict(env_prefix="I2PCC_")
    models: Path = Field(default_factory=maven, description="a folder of jars, laid out as Maven does")


class Embeddings(BaseSettings):
    """A server that texts are sent to, in place of the small models. Off unless its address is set."""

    model_config = SettingsConfigDict(env_prefix="I2PCC_EMBEDDINGS_", env_ignore_empty=True, hide_input_in_errors=True)
    url: HttpUrl | None = Field(default=None, description="as OpenAI's API begins, such as https://host/v1")
    model: str = Field(default="", description="the model's name, as the server knows it")
    key: SecretStr | None = Field(default=None, description="the bearer token, if the server wants one")
    dimensions: int | None = Field(default=None, ge=1, le=16_000, description="asked for, if the model has several")

    @model_validator(mode="after")
    def _names_its_model(self) -> Self:
        if self.url and not self.model:
            raise ValueError("I2PCC_EMBEDDINGS_URL is set, so I2PCC_EMBEDDINGS_MODEL must name a model of that server")
        return self


class Rates(BaseSettings):
    """What a budget in one currency is in the other: a coarse rate for planning, not the day's."""

    model_config = SettingsConfigDict(env_prefix="I2PCC_")
    yuan_per_euro: float = Field(default=7.8, ge=1, le=100, description="CNY for one EUR")


class Links(BaseSettings):
    """Where the links in a mail lead to."""

    model_config = SettingsConfigDict(env_prefix="I2PCC_")
    portal_url: Origin = Field(default="http://127.0.0.1:8000", description="the pages that people work in")
    notify_url: Origin = Field(default="http://127.0.0.1:8004", description="notify, as a reader of mail reaches it")


class Digests(BaseSettings):
    """When those are written to who do not want to hear of everything at once."""

    model_config = SettingsConfigDict(env_prefix="I2PCC_DIGEST_")
    hour: int = Field(default=7, ge=0, le=23, description="of the day, in UTC")
    weekday: int = Field(default=0, ge=0, le=6, description="of the weekly one; 0 is Monday")


class Invitations(BaseSettings):
    """How long somebody may wait with the answer to an invitation."""

    model_config = SettingsConfigDict(env_prefix="I2PCC_INVITATION_")
    days: int = Field(default=7, ge=1, le=7, description="the topic of invitations keeps no token longer than 7")


class Traces(BaseSettings):
    """Where this process keeps the spans of the last day as files, and how much of them. No folder: no files."""

    model_config = SettingsConfigDict(env_prefix="I2PCC_TRACES_", env_ignore_empty=True)
    dir: Path | None = None
    megabytes: int = Field(default=256, ge=1, description="of all files in the folder; the oldest go first")


class Logs(BaseSettings):
    """What the logs tell of."""

    model_config = SettingsConfigDict(env_prefix="I2PCC_LOG_", env_ignore_empty=True)
    level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_large)] = "WARNING"


PORTS = {"intake": 8001, "regions": 8002, "matching": 8003, "notify": 8004}
"""The services that run, and the port each listens on unless told otherwise."""


def port(service: str) -> int:
    """The port a service listens on: I2PCC_<NAME>_PORT, or the one everyone knows."""
    return int(os.environ.get(f"I2PCC_{service.upper()}_PORT", PORTS[service]))
