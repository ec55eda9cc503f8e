"""One invented instance of every event, for its documentation: made from its schema, so that none is forgotten."""

from typing import Any
from uuid import UUID, uuid5

from shared.events import Event
from shared.vocabulary import company_id

_NAMESPACE = UUID("b0f1d0d4-6a4f-5a56-8f0c-5f0f3a6a3c11")
_ENTERPRISE = "0123.456.749"
_COMPANY = str(company_id(_ENTERPRISE))

_VALUES: dict[str, Any] = {
    "body": "Two membrane stages bring leachate below the discharge limits and return 70 % of the water.",
    "challenges": [4],
    "company_id": _COMPANY,
    "enterprise_number": _ENTERPRISE,
    "languages": ["nl", "en"],
    "lead_id": _COMPANY,
    "mail": "an.peeters@example.org",
    "members": [_COMPANY],
    "model": "multilingual-e5-small",
    "name": "Schelde Membranes",
    "organisation": "Schelde Membranes",
    "phone": "+32 3 000 00 00",
    "reason": "The plant was closed.",
    "reasons": ["Both come under reduced water use and treatment of industrial water."],
    "score": 0.82,
    "title": "Membrane treatment of landfill leachate",
}
"""What a field says, where its type alone would say nothing."""

_VALUES_OF: dict[str, dict[str, Any]] = {"ContactShared": {"company_id": _COMPANY, "name": "An Peeters"}}
"""The same for one event, its optional fields included."""

_AFTER = {"presented": {"presented", "accepted", "declined", "introduced"}}
"""The flags that later events keep up."""

_FORMATS = {"date": "2019-12-31", "date-time": "2019-03-01T09:00:00Z"}
_PLAIN: dict[str, Any] = {"boolean": False, "integer": 1, "number": 0.5, "null": None}


def example(event: type[Event]) -> dict[str, Any] | None:
    """The payload of one such event; None is a tombstone's."""
    if event.tombstone:
        return None
    schema = event.model_json_schema()
    made: dict[str, Any] = _Maker(event.__name__, schema.get("$defs", {})).object(schema)
    return made


class _Maker:
    """Makes values that agree with what an event's name says happened."""

    def __init__(self, event: str, definitions: dict[str, Any]) -> None:
        self._own = _VALUES_OF.get(event, {})
        self._definitions = definitions
        self._happened = event[max(index for index, letter in enumerate(event) if letter.isupper()) :].lower()

    def object(self, schema: dict[str, Any]) -> dict[str, Any]:
        """A value for every field."""
        return {name: self._field(name, field) for name, field in schema["properties"].items()}

    def _field(self, name: str, schema: dict[str, Any]) -> Any:
        if name in self._own:
            return self._own[name]
        if schema.get("type") == "boolean" and self._happened in _AFTER.get(name, {name}):
            return True
        if "default" in schema:
            return schema["default"]
        return _VALUES[name] if name in _VALUES else self._value(name, schema)

    def _value(self, name: str, schema: dict[str, Any]) -> Any:
        if "$ref" in schema:
            return self._value(name, self._definitions[schema["$ref"].rpartition("/")[2]])
        if "enum" in schema:
            return self._happened if self._happened in schema["enum"] else schema["enum"][0]
        if "properties" in schema:
            return self.object(schema)
        if schema.get("type") == "array":
            return [self._value(name, schema["items"])]
        return self._scalar(name, schema)

    def _scalar(self, name: str, schema: dict[str, Any]) -> Any:
        if schema.get("format") == "uuid":
            return str(uuid5(_NAMESPACE, name))
        if schema.get("type") in _PLAIN:
            return _PLAIN[schema["type"]]
        return _FORMATS.get(schema.get("format", ""), name.replace("_", " "))
