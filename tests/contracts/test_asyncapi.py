"""The AsyncAPI document: valid by AsyncAPI's own schema, true to the manifest, and what docs/ holds."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from deploy.asyncapi import DOCS, document, events_of, write
from deploy.manifest import load
from shared.events import CATALOG, Event
from shared.vocabulary import Region

OFFICIAL = Path(__file__).with_name("asyncapi-3.0.0.schema.json")
"""From the AsyncAPI Initiative's `@asyncapi/specs` 6.11.1 (Apache-2.0), cut down to Kafka's bindings."""

every_event = pytest.mark.parametrize("event", CATALOG.values(), ids=CATALOG)


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return document(load())


def test_document_is_valid_asyncapi(made: dict[str, Any]) -> None:
    jsonschema.Draft7Validator(json.loads(OFFICIAL.read_bytes())).validate(made)


def test_every_reference_leads_somewhere(made: dict[str, Any]) -> None:
    for reference in references(made):
        assert resolve(made, reference) is not None


def test_operations_use_messages_of_their_channel(made: dict[str, Any]) -> None:
    for operation in made["operations"].values():
        channel = operation["channel"]["$ref"]
        assert operation["messages"]
        assert all(message["$ref"].startswith(f"{channel}/messages/") for message in operation["messages"])


def test_every_party_of_the_manifest_has_an_operation(made: dict[str, Any]) -> None:
    named = {(operation["tags"][0]["name"], operation["action"]) for operation in made["operations"].values()}
    documented = [topic for topic in load().topics if ".matches." not in topic.name and events_of(topic.name)]
    for topic in documented:
        assert {(writer, "send") for writer in topic.writers} <= named
        assert {(reader, "receive") for reader in topic.readers} <= named


@every_event
def test_example_is_a_valid_payload(event: type[Event], made: dict[str, Any]) -> None:
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
    silent = {topic.name for topic in load().topics if not topics_events(topic.name)}
    assert silent <= {"i2pcc.missions.v1", "i2pcc.suggestions.v1", "i2pcc.invitations.v1"}


def topics_events(name: str) -> list[type[Event]]:
    """The events on a topic of the manifest, whose regions are written out."""
    region = next((region for region in Region if f".{region}." in name), None)
    return events_of(name.replace(f".{region}.", ".{region}.") if region else name)


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


def resolve(root: dict[str, Any], reference: str) -> Any:
    """What a local reference points to; KeyError when nothing is there."""
    node: Any = root
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node
