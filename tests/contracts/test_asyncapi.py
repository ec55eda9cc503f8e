"""The AsyncAPI document: what AsyncAPI asks, true to the manifest, and what docs/ holds."""

from copy import deepcopy
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from deploy.asyncapi import DOCS, document, events_of, write
from deploy.manifest import load
from shared.events import CATALOG, Event
from shared.vocabulary import Region
from tests.contracts.asyncapi3 import Json, faults

NEEDS, POSTS = "i2pcc.needs.v1", "regions.send.i2pcc.needs.v1"
SETTINGS = ("channels", NEEDS, "bindings", "kafka", "topicConfiguration")
NEED_POSTED = ("components", "messages", "NeedPosted")
SCHEMA = ("components", "schemas", "NeedPosted", "properties")

every_event = pytest.mark.parametrize("event", CATALOG.values(), ids=CATALOG)


@pytest.fixture(scope="module")
def made() -> Json:
    return document(load())


def test_document_is_valid_asyncapi(made: Json) -> None:
    assert faults(made) == []


REMOVED = object()
MISTAKES: dict[str, tuple[tuple[str | int, ...], Any, str]] = {
    "another version": (("asyncapi",), "2.6.0", "asyncapi: Input should be '3.0.0'"),
    "no title": (("info", "title"), REMOVED, "info.title: Field required"),
    "no host": (("servers", "kafka", "host"), REMOVED, "servers.kafka.host: Field required"),
    "a host with an unknown variable": (("servers", "kafka", "host"), "{broker}", "host and variables differ"),
    "a misspelt field": (("channels", NEEDS, "adress"), NEEDS, f"channels.{NEEDS}.adress: Extra inputs"),
    "a channel without messages": (("channels", NEEDS, "messages"), {}, f"channels.{NEEDS}.messages: "),
    "a message inside a channel": (
        ("channels", NEEDS, "messages", "NeedPosted"),
        {"name": "x"},
        "$ref: Field required",
    ),
    "an unknown parameter": (("channels", NEEDS, "address"), "i2pcc.{kind}.v1", "address and parameters differ"),
    "no partitions": (("channels", NEEDS, "bindings", "kafka", "partitions"), 0, "greater than 0"),
    "an unknown setting of a topic": ((*SETTINGS, "retention.msec"), 1, "retention.msec: Extra inputs"),
    "a retention in words": ((*SETTINGS, "retention.ms"), "for ever", "retention.ms: Input should be a valid integer"),
    "an unknown clean-up": ((*SETTINGS, "cleanup.policy"), ["shred"], "'delete' or 'compact'"),
    "an unknown action": (("operations", POSTS, "action"), "emit", "'send' or 'receive'"),
    "an operation without a channel": (("operations", POSTS, "channel"), REMOVED, "channel: Field required"),
    "a channel that is none": (("operations", POSTS, "channel", "$ref"), "#/servers/kafka", "not lead into #/channels"),
    "another channel's messages": (
        ("operations", POSTS, "channel", "$ref"),
        "#/channels/i2pcc.matches.v1",
        "message of",
    ),
    "a reference that leads nowhere": ((*NEED_POSTED, "payload", "$ref"), "#/components/schemas/None", "leads nowhere"),
    "a field's type that leads nowhere": ((*SCHEMA, "region", "$ref"), "#/components/schemas/None", "leads nowhere"),
    "a type that JSON has not": ((*SCHEMA, "title", "type"), "text", "'text' is not valid under any"),
    "headers that are no object": ((*NEED_POSTED, "headers", "type"), "string", "headers must be of type object"),
    "a message without an example": ((*NEED_POSTED, "examples"), [], "examples: List should have at least 1 item"),
    "a correlation found nowhere": (("components", "correlationIds", "trace", "location"), "traceparent", "pattern"),
    "an unknown way to sign in": (("components", "securitySchemes", "scram", "type"), "scram", "scram.type: Input"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_document_is_found(mistake: str, made: Json) -> None:
    (*path, last), value, said = MISTAKES[mistake]
    broken = deepcopy(made)
    place = reduce(getitem, path, broken)
    if value is REMOVED:
        del place[last]
    else:
        place[last] = value
    assert said in "; ".join(faults(broken))


def test_channels_are_the_topics_that_have_events(made: Json) -> None:
    documented = {channel["address"]: set(channel["messages"]) for channel in made["channels"].values()}
    assert documented == {
        address: {name for name, event in CATALOG.items() if address in (event.topic, event.copies)}
        for address in {topic for event in CATALOG.values() for topic in (event.topic, event.copies) if topic}
    }


def test_operations_are_what_the_manifest_allows(made: Json) -> None:
    allowed = {
        (party, action, address)
        for topic in load().topics
        for address in [templated(topic.name)]
        for action, parties in (("send", topic.writers), ("receive", topic.readers))
        for party in map(templated, parties)
        if events_of(address)
    }
    addresses = {f"#/channels/{name}": channel["address"] for name, channel in made["channels"].items()}
    assert allowed == {
        (operation["tags"][0]["name"], operation["action"], addresses[operation["channel"]["$ref"]])
        for operation in made["operations"].values()
    }


def test_an_operation_has_all_messages_of_its_channel(made: Json) -> None:
    for operation in made["operations"].values():
        channel = operation["channel"]["$ref"]
        messages = {message["$ref"].rpartition("/")[2] for message in operation["messages"]}
        assert messages == made["channels"][channel.rpartition("/")[2]]["messages"].keys()


def test_a_channel_has_the_partitions_and_settings_of_its_topic(made: Json) -> None:
    for channel in made["channels"].values():
        topic = load().topic(channel["address"].format(region=Region.HEBEI))
        kafka = channel["bindings"]["kafka"]
        told = {name: str(value) for name, value in kafka["topicConfiguration"].items() if name != "cleanup.policy"}
        assert kafka["partitions"] == topic.partitions
        assert ",".join(kafka["topicConfiguration"]["cleanup.policy"]) == topic.config()["cleanup.policy"]
        assert told == {name: value for name, value in topic.config().items() if name in told}
        assert topic.config().keys() - told.keys() <= {"cleanup.policy", "min.cleanable.dirty.ratio"}


@every_event
def test_example_is_a_valid_payload(event: type[Event], made: Json) -> None:
    message = made["components"]["messages"][event.__name__]
    payload = {**message["payload"], "components": made["components"]}
    example = message["examples"][0]["payload"]
    jsonschema.Draft7Validator.check_schema(payload)
    jsonschema.Draft7Validator(payload).validate(example)
    assert event.tombstone or event.model_validate(example).model_dump(mode="json") == example


def test_docs_are_what_the_code_says(tmp_path: Path) -> None:
    write(tmp_path)
    for name in ("asyncapi.json", "events.md"):
        assert (tmp_path / name).read_text() == (DOCS / name).read_text(), "run: python -m deploy.asyncapi"


@every_event
def test_topics_of_an_event_are_in_the_manifest(event: type[Event]) -> None:
    copies = [event.copies.format(region=region) for region in Region] if event.copies else []
    topics = [load().topic(name) for name in (event.topic, *copies)]
    assert all(event.key in topic.key for topic in topics)
    assert all(event.personal == topic.personal for topic in topics)


def test_topic_without_events_is_one_that_comes_later() -> None:
    silent = {topic.name for topic in load().topics if not events_of(templated(topic.name))}
    assert silent <= {"i2pcc.missions.v1", "i2pcc.suggestions.v1", "i2pcc.invitations.v1"}


def templated(name: str) -> str:
    """A name of the manifest, whose regions are written out, as the document has it."""
    return next((name.replace(region, "{region}") for region in Region if region in name), name)
