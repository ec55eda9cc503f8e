"""Every route of every service, from the services' OpenAPI documents: a new route is tested without being named."""

import re
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from uuid import uuid4

from deploy.people import Person
from deploy.settings import SERVICES
from shared.service import Service
from shared.vocabulary import Region, Role
from tests.factories import company_person, region_person, someone

ROLES = {
    ("matching", "shortlist"): Role.COORDINATOR,
    ("matching", "veto"): Role.COORDINATOR,
    ("matching", "remind"): Role.COORDINATOR,
    ("matching", "presentation"): Role.COORDINATOR,
    ("matching", "nearest"): Role.COMPANY,
    ("matching", "candidates"): Role.COMPANY,
    ("matching", "suggestions"): Role.COMPANY,
}
"""Whom a route is for whose service is mostly for others, by the end of its path."""


@dataclass(frozen=True)
class Route:
    """An operation of a service."""

    service: str
    method: str
    path: str
    fields: dict[str, dict[str, Any]] | None
    """The JSON Schemas of the body's fields; None where no body is read."""
    command: bool
    """Whether it is done once per Idempotency-Key; some queries have a body too."""

    def __str__(self) -> str:
        return f"{self.method} {self.service}{self.path}"

    def at(self, value: object = None) -> str:
        """The path with this value, or ids that nothing has and some region, in the place of its parameters."""
        return re.sub(r"\{\w+\}", lambda found: str(value or made_up(found[0])), self.path)

    @property
    def role(self) -> Role:
        """The role that the route is for, or one of them."""
        if re.fullmatch(r"/v1/missions(/\{\w+\}(/stops.*)?)?|/v1/regions/.*", self.path) and self.command:
            return Role.COORDINATOR
        owner = ROLES.get((self.service, self.path.rpartition("/")[2]))
        return owner or {"intake": Role.COMPANY, "notify": Role.OPERATOR}.get(self.service, Role.REGION)

    def user(self) -> Person:
        """Someone of that role."""
        made = {Role.COMPANY: company_person, Role.REGION: region_person}
        return made[self.role]() if self.role in made else someone(self.role, "cleantech_flanders")


def made_up(parameter: str) -> object:
    """What may stand in the place of a path's parameter, and is nobody's."""
    return Region.HEBEI if parameter == "{region}" else uuid4()


def _document(service: str) -> dict[str, Any]:
    made: Service = getattr(import_module(f"services.{service}.app"), service)
    return made.app().openapi()


def _routes(service: str, document: dict[str, Any]) -> list[Route]:
    return [
        Route(service, method.upper(), path, _fields(document, operation), _is_command(operation))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if path.startswith("/v1/")
    ]


def _is_command(operation: dict[str, Any]) -> bool:
    return any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ()))


def _fields(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, dict[str, Any]] | None:
    if "requestBody" not in operation:
        return None
    properties = _plain(document, operation["requestBody"]["content"]["application/json"]["schema"])["properties"]
    return {name: _plain(document, schema) for name, schema in properties.items()}


def _plain(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without references; `nullable` if it says `or null`."""
    if inner := next((each for each in schema.get("anyOf", []) if each.get("type") != "null"), None):
        return _plain(document, inner) | {"nullable": True}
    if "$ref" in schema:
        return dict(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    return {**schema, "items": _plain(document, schema["items"])} if "items" in schema else schema


DOCUMENTS = {service: _document(service) for service in SERVICES}
"""The services' OpenAPI documents."""
ROUTES = [route for service, document in DOCUMENTS.items() for route in _routes(service, document)]
COMMANDS = [route for route in ROUTES if route.command]
WITH_BODY = [route for route in ROUTES if route.fields]
