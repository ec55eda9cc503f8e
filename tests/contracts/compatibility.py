"""What a changed event would break in a service that reads it: two JSON Schemas in, sentences out."""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]


def breaks(golden: Schema, current: Schema) -> list[str]:
    """What a reader of `golden` could no longer rely on; empty when every reader goes on working.

    An added enum value is not named: readers are upgraded before the writer that sends it. A removed one is, because
    the topics that keep everything still hold it.
    """
    return sorted(_compare("", _Node(golden, golden), _Node(current, current)))


class _Node:
    """A place in a schema, with the document that its references point into."""

    def __init__(self, schema: Schema, document: Schema) -> None:
        while "$ref" in schema:
            schema = document["$defs"][schema["$ref"].rpartition("/")[2]]
        self.schema = schema
        self.document = document

    def child(self, schema: Schema) -> "_Node":
        return _Node(schema, self.document)

    @property
    def fields(self) -> dict[str, "_Node"]:
        return {name: self.child(schema) for name, schema in self.schema.get("properties", {}).items()}

    @property
    def required(self) -> set[str]:
        return set(self.schema.get("required", ()))

    @property
    def items(self) -> "_Node":
        return self.child(self.schema.get("items", {}))

    @property
    def values(self) -> set[Any]:
        return set(self.schema.get("enum", [self.schema["const"]] if "const" in self.schema else ()))

    @property
    def options(self) -> dict[str, "_Node"]:
        """The alternatives by their kind; a plain type is its own only alternative."""
        nodes = [self.child(schema) for schema in self.schema.get("anyOf", ())] or [self]
        return {node.kind: node for node in nodes}

    @property
    def kind(self) -> str:
        name = str(self.schema.get("type", "anything"))
        name = f"{name} ({self.schema['format']})" if "format" in self.schema else name
        return f"one of some {name}s" if self.values else name


def _compare(path: str, old: _Node, new: _Node) -> Iterator[str]:
    """Every break at this place and below it."""
    if old.options.keys() != new.options.keys():
        yield f"{path or 'the event'}: type changed from {_or(old)} to {_or(new)}"
        return
    for kind, option in old.options.items():
        yield from _compare_one(path, option, new.options[kind])


def _compare_one(path: str, old: _Node, new: _Node) -> Iterator[str]:
    """The breaks between two places of the same kind."""
    for value in sorted(old.values - new.values, key=str):
        yield f"{path}: enum value {value!r} removed"
    if old.schema.get("type") == "array":
        yield from _compare(f"{path}[]", old.items, new.items)
    yield from _compare_fields(path, old, new)


def _compare_fields(path: str, old: _Node, new: _Node) -> Iterator[str]:
    """The breaks among an object's fields."""
    prefix = f"{path}." if path else ""
    for name, node in old.fields.items():
        if name not in new.fields:
            yield f"{prefix}{name}: field removed"
        else:
            yield from _compare(f"{prefix}{name}", node, new.fields[name])
    for name in new.required - old.required:
        yield f"{prefix}{name}: {'now required' if name in old.fields else 'new required field'}"
    for name in (old.required - new.required) & new.fields.keys():
        yield f"{prefix}{name}: no longer required"


def _or(node: _Node) -> str:
    return " or ".join(node.options)
