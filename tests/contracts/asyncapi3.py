"""What AsyncAPI 3.0 asks of a document, Kafka's bindings 0.5.0 included: a document in, sentences out.

Only what our document uses is known here, and all else is refused: a misspelt field cannot pass for an extension.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from jsonschema import Draft7Validator, SchemaError
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    StringConstraints,
    ValidationError,
    model_validator,
)

Json = dict[str, Any]


def faults(document: Json) -> list[str]:
    """What a tool that reads AsyncAPI would stumble over; empty when there is nothing."""
    try:
        Document.model_validate(document)
    except ValidationError as error:
        return [f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.errors()]
    return [f"{reference} leads nowhere" for reference in references(document) if not _leads(document, reference)]


def references(node: Any) -> Iterator[str]:
    """Every $ref at or below this place."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)


def _leads(document: Json, reference: str) -> bool:
    node: Any = document
    for part in reference.removeprefix("#/").split("/"):
        if not isinstance(node, dict) or part not in node:
            return False
        node = node[part]
    return True


def _is_schema(schema: Json) -> Json:
    try:
        Draft7Validator.check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"is no JSON Schema: {error.message}") from None
    return schema


def _holes(text: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", text))


class _Object(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Reference(_Object):
    """A place elsewhere in the document."""

    ref: str = Field(alias="$ref")


def _into(place: str) -> AfterValidator:
    """References are typed: each may lead to one kind of object only."""

    def check(reference: Reference) -> Reference:
        if not re.fullmatch(f"#/{place}/[^/]+", reference.ref):
            raise ValueError(f"{reference.ref} does not lead into #/{place}")
        return reference

    return AfterValidator(check)


Schema = Annotated[Json, AfterValidator(_is_schema)]
"""AsyncAPI's own schemas are a superset of JSON Schema draft 7."""
Name = Annotated[str, StringConstraints(pattern=r"^[\w.-]+$")]
Version = Literal["0.5.0"]


class Licence(_Object):
    """Under which terms."""

    name: str


class Info(_Object):
    """What the document is about."""

    title: str
    version: str
    description: str
    license: Licence


class Variable(_Object):
    """What a brace in a host, or in an address, stands for."""

    default: str | None = None
    description: str | None = None
    enum: list[str] = []


class Server(_Object):
    """Where the broker is."""

    host: str
    protocol: Literal["kafka", "kafka-secure"]
    protocol_version: str = Field(alias="protocolVersion")
    description: str
    variables: dict[Name, Variable]
    security: list[Annotated[Reference, _into("components/securitySchemes")]]

    @model_validator(mode="after")
    def _variables_are_known(self) -> Self:
        if _holes(self.host) != self.variables.keys():
            raise ValueError("host and variables differ")
        return self


class Tag(_Object):
    """A word to find it by."""

    name: str


class TopicConfiguration(_Object):
    """A topic's settings, in Kafka's words."""

    cleanup: list[Literal["delete", "compact"]] = Field(alias="cleanup.policy", min_length=1)
    size: NonNegativeInt = Field(alias="max.message.bytes")
    retention: int = Field(alias="retention.ms", ge=-1, default=-1)
    delete_retention: NonNegativeInt = Field(alias="delete.retention.ms", default=0)
    segment: PositiveInt = Field(alias="segment.ms", default=1)


class Topic(_Object):
    """A channel's Kafka binding."""

    partitions: PositiveInt
    configuration: TopicConfiguration = Field(alias="topicConfiguration")
    version: Version = Field(alias="bindingVersion")


class Group(_Object):
    """An operation's Kafka binding."""

    group: Schema = Field(alias="groupId")
    version: Version = Field(alias="bindingVersion")


class Key(_Object):
    """A message's Kafka binding."""

    key: Schema
    version: Version = Field(alias="bindingVersion")


class Channel(_Object):
    """A topic, or the topics that an address with braces stands for."""

    address: str
    description: str
    servers: list[Annotated[Reference, _into("servers")]]
    messages: dict[Name, Annotated[Reference, _into("components/messages")]] = Field(min_length=1)
    bindings: dict[Literal["kafka"], Topic]
    parameters: dict[Name, Variable] = {}
    tags: list[Tag] = []

    @model_validator(mode="after")
    def _parameters_are_known(self) -> Self:
        if _holes(self.address) != self.parameters.keys():
            raise ValueError("address and parameters differ")
        return self


class Operation(_Object):
    """Who writes or reads what on a channel."""

    action: Literal["send", "receive"]
    channel: Annotated[Reference, _into("channels")]
    summary: str
    tags: list[Tag]
    messages: list[Annotated[Reference, _into("channels/[^/]+/messages")]] = Field(min_length=1)
    bindings: dict[Literal["kafka"], Group] = {}

    @model_validator(mode="after")
    def _messages_are_the_channels(self) -> Self:
        for message in self.messages:
            if message.ref.rpartition("/messages/")[0] != self.channel.ref:
                raise ValueError(f"{message.ref} is not a message of {self.channel.ref}")
        return self


class Example(_Object):
    """A message as it could be; a null payload is one."""

    name: str
    payload: Any


class Message(_Object):
    """An event on the wire."""

    name: str
    title: str
    summary: str
    content_type: str = Field(alias="contentType", pattern=r"^\w+/[\w.+-]+$")
    headers: Schema
    payload: Schema
    correlation: Annotated[Reference, _into("components/correlationIds")] = Field(alias="correlationId")
    bindings: dict[Literal["kafka"], Key]
    examples: list[Example] = Field(min_length=1)

    @model_validator(mode="after")
    def _headers_have_names(self) -> Self:
        if self.headers.get("type") != "object":
            raise ValueError("headers must be of type object")
        return self


class Correlation(_Object):
    """Where the id is that joins messages."""

    description: str
    location: str = Field(pattern=r"^\$message\.(header|payload)#(/[^/]+)+$")


class Security(_Object):
    """How one signs in."""

    type: Literal["scramSha256", "scramSha512", "X509", "plain"]


class Components(_Object):
    """What the rest refers to."""

    messages: dict[Name, Message]
    schemas: dict[Name, Schema]
    correlations: dict[Name, Correlation] = Field(alias="correlationIds")
    security: dict[Name, Security] = Field(alias="securitySchemes")


class Document(_Object):
    """The whole of it."""

    asyncapi: Literal["3.0.0"]
    info: Info
    content_type: str = Field(alias="defaultContentType")
    servers: dict[Name, Server]
    channels: dict[Name, Channel]
    operations: dict[Name, Operation]
    components: Components
