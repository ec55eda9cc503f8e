"""The events as an AsyncAPI 3.0 document and a page: `python -m deploy.asyncapi` writes both into docs/.

Made from the event classes and the manifest, which is what runs: it cannot say anything else.
"""

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from deploy.event_examples import example
from deploy.manifest import Manifest, Topic, load
from shared.events import CATALOG, Event
from shared.pages import render
from shared.vocabulary import Challenge, Region

Json = dict[str, Any]

DOCS = Path(__file__).parent.parent / "docs"
_BINDING = {"bindingVersion": "0.5.0"}
_DESCRIPTION = (
    "All that the services know of each other: facts in the past tense, on Kafka.\n\n"
    "Every event carries its aggregate's whole public state and version, so a reader keeps the newest version of each "
    "key. Unknown fields are to be ignored: optional ones may be added; anything that would break a reader gets a new "
    "topic version."
)


def document(manifest: Manifest) -> Json:
    """The AsyncAPI document: channels in the manifest's order, events in the order of their classes."""
    topics = dict(_documented(manifest))
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "I2PCC events",
            "version": "1.0.0",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"kafka": _server()},
        "channels": {_channel_id(address): _channel(address, topic) for address, topic in topics.items()},
        "operations": {
            f"{_slug(party)}.{action}.{_channel_id(address)}": _operation(party, action, address)
            for address, topic in topics.items()
            for action, parties in (("send", topic.writers), ("receive", topic.readers))
            for party in parties
        },
        "components": _components(),
    }


def write(folder: Path) -> None:
    """Write asyncapi.json and events.md; the same classes and manifest give the same bytes."""
    made = document(load())
    folder.mkdir(exist_ok=True)
    text = json.dumps(made, indent=2, ensure_ascii=False) + "\n"
    (folder / "asyncapi.json").write_text(text, encoding="utf-8")
    (folder / "events.md").write_text(render("events.md", made).rstrip() + "\n", encoding="utf-8")


def events_of(address: str) -> list[type[Event]]:
    """The events on a topic, or on the copies that a template stands for."""
    return [event for event in CATALOG.values() if address in (event.topic, event.copies)]


def _documented(manifest: Manifest) -> Iterator[tuple[str, Topic]]:
    """Each topic that has events, by its address; the regions' copies of one topic are one entry again."""
    for topic in manifest.topics:
        region = next((region for region in Region if f".{region}." in topic.name), None)
        address = topic.name.replace(f".{region}.", ".{region}.")
        readers = tuple(reader.replace(region, "{region}") if region else reader for reader in topic.readers)
        if events_of(address):
            yield address, topic.model_copy(update={"readers": readers})


def _server() -> Json:
    return {
        "host": "{bootstrap}",
        "protocol": "kafka-secure",
        "protocolVersion": "4",
        "description": "Each service and each partner signs in as itself; rights are given per topic.",
        "variables": {"bootstrap": {"default": "localhost:9092", "description": "host:port of any broker"}},
        "security": [{"$ref": "#/components/securitySchemes/scram"}],
    }


def _channel(address: str, topic: Topic) -> Json:
    channel: Json = {
        "address": address,
        "description": _about(address),
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {
            event.__name__: {"$ref": f"#/components/messages/{event.__name__}"} for event in events_of(address)
        },
        "bindings": {
            "kafka": {"partitions": topic.partitions, "topicConfiguration": _configuration(topic), **_BINDING}
        },
    }
    if "{region}" in address:
        channel["parameters"] = {"region": {"enum": [str(region) for region in Region]}}
    if topic.personal:
        channel["tags"] = [{"name": "personal data"}]
    return channel


def _about(address: str) -> str:
    """What the topic is about: its family's docstring, or the module's where there is no family."""
    event = events_of(address)[0]
    family = event.__mro__[1]
    about = inspect.getdoc(family) if family is not Event else inspect.getdoc(inspect.getmodule(event))
    copied = inspect.getdoc(event.copied) if address == event.copies else None
    return " ".join(filter(None, [about, copied]))


def _configuration(topic: Topic) -> Json:
    """The topic's settings, in AsyncAPI's types."""
    settings = topic.config()
    numbers = {name: int(value) for name, value in settings.items() if name.endswith((".ms", ".bytes"))}
    return {"cleanup.policy": settings["cleanup.policy"].split(","), **numbers}


def _operation(party: str, action: str, address: str) -> Json:
    channel = f"#/channels/{_channel_id(address)}"
    operation: Json = {
        "action": action,
        "channel": {"$ref": channel},
        "summary": f"{party} {'writes to' if action == 'send' else 'reads'} {address}",
        "tags": [{"name": party}],
        "messages": [{"$ref": f"{channel}/messages/{event.__name__}"} for event in events_of(address)],
    }
    if action == "receive" and "{" not in address:
        operation["bindings"] = {"kafka": {"groupId": {"type": "string", "const": party}, **_BINDING}}
    return operation


def _components() -> Json:
    return {
        "messages": {name: _message(event) for name, event in CATALOG.items()},
        "schemas": _schemas(),
        "correlationIds": {
            "trace": {"description": "One trace a command.", "location": "$message.header#/traceparent"}
        },
        "securitySchemes": {"scram": {"type": "scramSha512"}},
    }


def _message(event: type[Event]) -> Json:
    name = event.__name__
    return {
        "name": name,
        "title": re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize(),
        "summary": inspect.getdoc(event),
        "contentType": "application/json",
        "headers": _headers(name),
        "payload": {"type": "null"} if event.tombstone else {"$ref": f"#/components/schemas/{name}"},
        "correlationId": {"$ref": "#/components/correlationIds/trace"},
        "bindings": {"kafka": {"key": {"type": "string", "format": "uuid", "title": event.key}, **_BINDING}},
        "examples": [{"name": name, "payload": example(event)}],
    }


def _headers(name: str) -> Json:
    """CloudEvents 1.0 in Kafka's binary mode."""
    texts: Json = {
        "ce_specversion": {"const": "1.0", "description": "The CloudEvents version."},
        "ce_id": {"format": "uuid", "description": "The event's id: the same one again is the same event again."},
        "ce_source": {"description": "Who says it: /i2pcc/ and the service."},
        "ce_type": {"const": name, "description": "The event's name."},
        "ce_time": {"format": "date-time", "description": "When it was said."},
        "content-type": {"const": "application/json", "description": "How the value is written."},
        "traceparent": {"description": "The W3C trace that it is a part of."},
    }
    properties = {header: {"type": "string", **schema} for header, schema in texts.items()}
    return {"type": "object", "properties": properties, "required": [name for name in texts if name != "traceparent"]}


def _schemas() -> Json:
    """Every payload and all it refers to; the challenges with their titles."""
    payloads = [(event, "validation") for event in CATALOG.values() if not event.tombstone]
    _, made = models_json_schema(payloads, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    schemas: Json = made["$defs"]
    schemas["Challenge"]["x-enum-descriptions"] = {str(int(challenge)): challenge.title for challenge in Challenge}
    return schemas


def _channel_id(address: str) -> str:
    """The address without braces, which a reference could not hold."""
    return re.sub(r"[{}]", "", address)


def _slug(party: str) -> str:
    return _channel_id(party).replace(" ", "-")


if __name__ == "__main__":
    write(DOCS)
