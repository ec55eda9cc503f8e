"""The manifest of services and topics, read and checked; everything that is provisioned is made from it."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from shared.vocabulary import Region

FILE = Path(__file__).with_name("manifest.yaml")
MAX_MESSAGE_BYTES = 1_048_576
ADMIN = "admin"
"""The Kafka user that provisions, and may do everything."""

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
"""A name that PostgreSQL takes unquoted."""
Partner = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]
"""The Kafka user of a partner system."""


def milliseconds(**duration: float) -> str:
    """A duration as Kafka writes it."""
    return str(timedelta(**duration) // timedelta(milliseconds=1))


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Compaction(_Strict):
    """How soon an erased key is gone, and how long a reader that was away can still learn of it."""

    segment_minutes: int
    dirty_ratio: float
    tombstone_days: int

    def config(self) -> dict[str, str]:
        """The topic's settings in Kafka's words."""
        return {
            "cleanup.policy": "compact",
            "segment.ms": milliseconds(minutes=self.segment_minutes),
            "min.cleanable.dirty.ratio": str(self.dirty_ratio),
            "delete.retention.ms": milliseconds(days=self.tombstone_days),
        }


class Topic(_Strict):
    """One topic; a name with `{region}` stands for one topic a region."""

    name: str
    key: str
    partitions: int = Field(ge=1)
    retention_days: int | Literal["forever"] = "forever"
    compact: Compaction | None = None
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    personal: bool = False

    def config(self) -> dict[str, str]:
        """The topic's settings in Kafka's words."""
        size = {"max.message.bytes": str(MAX_MESSAGE_BYTES)}
        if self.compact:
            return size | self.compact.config()
        forever = self.retention_days == "forever"
        kept = "-1" if forever else milliseconds(days=int(self.retention_days))
        return size | {"cleanup.policy": "delete", "retention.ms": kept}

    def expanded(self) -> Iterator["Topic"]:
        """Itself, or its copies for the regions."""
        if "{region}" not in self.name:
            yield self
            return
        for region in Region:
            readers = tuple(reader.format(region=region) for reader in self.readers)
            yield self.model_copy(update={"name": self.name.format(region=region), "readers": readers})


class Service(_Strict):
    """What a service owns in the database."""

    schema_: Identifier = Field(alias="schema")
    extensions: tuple[Identifier, ...] = ()

    @property
    def migrator(self) -> str:
        """The role that owns the schema and changes it."""
        return f"i2pcc_{self.schema_}_migrator"

    @property
    def role(self) -> str:
        """The role that the running service has."""
        return f"i2pcc_{self.schema_}"


class Manifest(_Strict):
    """All services, partners and topics; topics of regions are expanded."""

    database: Identifier
    services: dict[Identifier, Service]
    partners: dict[Partner, tuple[Region, ...]] = {}
    """By Kafka user, the regions whose matches it may read."""
    topics: tuple[Topic, ...]

    @model_validator(mode="after")
    def _known_parties(self) -> "Manifest":
        partners = {f"partners of {region}" for region in Region} | {"partners of {region}"}
        for topic in self.topics:
            unknown = {*topic.writers, *topic.readers} - set(self.services) - partners
            if unknown:
                raise ValueError(f"{topic.name} names {', '.join(sorted(unknown))}, which is no service")
        return self

    @model_validator(mode="after")
    def _groups_are_nobody_elses(self) -> "Manifest":
        """A partner reads in every group that begins with its name: no other user's name may, the admin's neither."""
        for partner in self.partners:
            alike = [user for user in (*self.users(), ADMIN) if user.startswith(partner)]
            if alike != [partner]:
                raise ValueError(f"the names {', '.join(alike)} begin alike: rename the partner {partner}")
        return self

    def users(self) -> tuple[str, ...]:
        """Every Kafka user but the admin."""
        return (*self.services, *self.partners)

    def readers(self, topic: Topic) -> set[str]:
        """The Kafka users that may read a topic."""
        partners = {
            partner
            for partner, regions in self.partners.items()
            if any(f"partners of {region}" in topic.readers for region in regions)
        }
        return partners | (self.services.keys() & topic.readers)

    def roles(self) -> tuple[str, ...]:
        """Every database role."""
        return tuple(role for service in self.services.values() for role in (service.migrator, service.role))

    def read_by(self, services: Iterable[str]) -> dict[str, list[str]]:
        """By service, of these, that reads any: the topics it reads."""
        read = {service: [topic.name for topic in self.topics if service in topic.readers] for service in services}
        return {service: names for service, names in read.items() if names}

    def topic(self, name: str) -> Topic:
        """The topic of a name."""
        return next(topic for topic in self.topics if topic.name == name)


@cache
def load() -> Manifest:
    """Read the manifest that this platform is made from."""
    manifest = Manifest.model_validate(yaml.safe_load(FILE.read_text(encoding="utf-8")))
    topics = tuple(copy for topic in manifest.topics for copy in topic.expanded())
    return manifest.model_copy(update={"topics": topics})
