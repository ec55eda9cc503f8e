"""The AsyncAPI document as people read it: topics, events, fields and types, ready for a template."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

_DAY = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Field:
    """One row of a field table; `refers` is the named type that `type` speaks of."""

    name: str
    type: str
    refers: str | None
    required: bool
    description: str


@dataclass(frozen=True, slots=True)
class NamedType:
    """An enumeration (values, with what they mean) or a nested object (fields)."""

    name: str
    description: str
    values: dict[str, str]
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class EventView:
    """One event: its meaning, the fields that only it has, and one as it is on the wire."""

    name: str
    summary: str
    fields: tuple[Field, ...]
    example: str
    tombstone: bool


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: who is on it and how long it keeps what it carries."""

    address: str
    anchor: str
    description: str
    key: str
    partitions: int
    kept: str
    personal: bool
    parameters: dict[str, tuple[str, ...]]
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    fields: tuple[Field, ...]
    """What all its events have, apart from tombstones."""
    events: tuple[EventView, ...]
    copies: tuple[str, ...]
    """The names of events that are shown under another topic."""


class EventPage:
    """What the page of an AsyncAPI document shows."""

    def __init__(self, document: Json) -> None:
        self._document = document
        self._schemas: Json = document["components"]["schemas"]
        self._messages: Json = document["components"]["messages"]

    @property
    def topics(self) -> list[Topic]:
        """Every channel, in the document's order."""
        return [self._topic(name, channel) for name, channel in self._document["channels"].items()]

    @property
    def types(self) -> list[NamedType]:
        """What the fields of events refer to: the schemas that are not an event themselves."""
        return [self._named(name) for name in self._schemas if name not in self._messages]

    @property
    def headers(self) -> list[Field]:
        """The headers that every message has."""
        return list(_fields(next(iter(self._messages.values()))["headers"]))

    def _topic(self, name: str, channel: Json) -> Topic:
        kafka = channel["bindings"]["kafka"]
        messages = [message for message in channel["messages"] if self._home(message) == name]
        common = self._common(messages)
        return Topic(
            address=channel["address"],
            anchor=name,
            description=channel["description"],
            key=self._key(channel),
            partitions=kafka["partitions"],
            kept=kept(kafka["topicConfiguration"]),
            personal=any(tag["name"] == "personal data" for tag in channel.get("tags", ())),
            parameters={key: tuple(value["enum"]) for key, value in channel.get("parameters", {}).items()},
            writers=self._services(name, "send"),
            readers=self._services(name, "receive"),
            fields=common,
            events=tuple(self._event(message, common) for message in messages),
            copies=tuple(message for message in channel["messages"] if message not in messages),
        )

    def _key(self, channel: Json) -> str:
        """What its messages are keyed by: the one or the other, where they tell of different things."""
        keys = (self._messages[message]["bindings"]["kafka"]["key"]["title"] for message in channel["messages"])
        return " or ".join(dict.fromkeys(keys))

    def _home(self, message: str) -> str:
        """The channel that the message is shown under: the first that has it."""
        channels: Json = self._document["channels"]
        return next(name for name, channel in channels.items() if message in channel["messages"])

    def _common(self, messages: list[str]) -> tuple[Field, ...]:
        """The fields that all these messages have, in the first one's order."""
        tables = [fields for message in messages if (fields := self._fields_of(message))]
        return tuple(field for field in tables[0] if all(field in table for table in tables)) if tables else ()

    def _fields_of(self, message: str) -> tuple[Field, ...]:
        payload = self._messages[message]["payload"]
        return tuple(_fields(self._schemas[_name(payload)])) if "$ref" in payload else ()

    def _services(self, channel: str, action: str) -> tuple[str, ...]:
        """Who does this on the channel: an operation's tag is its service."""
        return tuple(
            operation["tags"][0]["name"]
            for operation in self._document["operations"].values()
            if operation["action"] == action and operation["channel"]["$ref"] == f"#/channels/{channel}"
        )

    def _event(self, name: str, common: tuple[Field, ...]) -> EventView:
        message = self._messages[name]
        return EventView(
            name=name,
            summary=message["summary"],
            fields=tuple(field for field in self._fields_of(name) if field not in common),
            example=json.dumps(message["examples"][0]["payload"], indent=2, ensure_ascii=False),
            tombstone=message["payload"] == {"type": "null"},
        )

    def _named(self, name: str) -> NamedType:
        schema = self._schemas[name]
        meanings = schema.get("x-enum-descriptions", {})
        return NamedType(
            name=name,
            description=schema.get("description", ""),
            values={str(value): meanings.get(str(value), "") for value in schema.get("enum", ())},
            fields=tuple(_fields(schema)),
        )


def kept(configuration: Json) -> str:
    """How long a topic keeps a message, in words."""
    if "compact" in configuration["cleanup.policy"]:
        return "the newest of each key"
    milliseconds = configuration["retention.ms"]
    return "for ever" if milliseconds < 0 else f"{milliseconds / _DAY:g} days"


def _fields(schema: Json) -> Iterator[Field]:
    """The rows of an object's field table; none for an enumeration."""
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        text, refers = _type(field)
        yield Field(name, text, refers, name in required, field.get("description", ""))


def _type(schema: Json) -> tuple[str, str | None]:
    """A schema's type in words, and the named type in it."""
    if "$ref" in schema:
        return _name(schema), _name(schema)
    if "anyOf" in schema:
        texts, names = zip(*map(_type, schema["anyOf"]), strict=True)
        return " or ".join(texts), next(filter(None, names), None)
    if schema.get("type") == "array":
        text, refers = _type(schema["items"])
        return f"list of {text}", refers
    return str(schema.get("format", schema["type"])), None


def _name(reference: Json) -> str:
    return str(reference["$ref"]).rpartition("/")[2]
