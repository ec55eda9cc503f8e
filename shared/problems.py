"""Errors as RFC 9457 problem documents: what is wrong, where, and what is allowed."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException


class FieldError(BaseModel):
    """One field that cannot be accepted."""

    field: str
    message: str


class ProblemDocument(BaseModel):
    """An RFC 9457 problem document."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []


class Problem(Exception):
    """An error the caller can do something about."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.document = ProblemDocument(title=title, status=status, detail=detail, errors=list(errors))
        self.headers = headers

    def response(self) -> Response:
        """The answer to send. Text that UTF-8 cannot hold is shown escaped."""
        return Response(_json(self.document.model_dump()), self.status, self.headers, "application/problem+json")


def invalid(field: str, message: str) -> Problem:
    """A 422 about one field."""
    return Problem(422, "Not valid", f"{field}: {message}", [FieldError(field=field, message=message)])


def not_found(what: str) -> Problem:
    """A 404, also for what is there but not for this caller."""
    return Problem(404, "Not found", f"There is no such {what}, or it is not yours to see.")


def conflict(detail: str) -> Problem:
    """A 409 that says what is possible now."""
    return Problem(409, "Not possible now", detail)


def our_fault() -> Problem:
    """A 500 that says nothing of what failed."""
    return Problem(500, "Our fault", "Something failed here; it has been noted. Try again later.")


def unavailable(what: str = "The database") -> Problem:
    """A 503: nothing was done, or its answer is kept for a repeat."""
    detail = f"{what} cannot be reached. Send the same again, with the same Idempotency-Key, in a few seconds."
    return Problem(503, "Not available now", detail, headers={"Retry-After": "5"})


def add_handlers(app: FastAPI) -> None:
    """Answer every error of this app with a problem document."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(Exception, _unexpected)


def as_problems(document: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI document whose problem documents have their media type; FastAPI knows one for a route's answers."""
    for operation in (each for path in document["paths"].values() for each in path.values()):
        for answer in operation["responses"].values():
            content = answer.get("content", {})
            for shape in content.values():
                if shape.get("schema", {}).get("$ref", "").endswith("/ProblemDocument"):
                    answer["content"] = {"application/problem+json": shape}
    return document


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response()


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 400:
        # FastAPI's word for a body that json cannot read: not UTF-8, nested too deep, a number of 5,000 digits.
        return invalid("body", "must be JSON in UTF-8, with numbers and depth that can be read").response()
    title = HTTPStatus(error.status_code).phrase
    return Problem(error.status_code, title, str(error.detail), headers=error.headers).response()


async def _validation(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [_field(found) for found in error.errors()]
    detail = "; ".join(f"{found.field}: {found.message}" for found in errors[:3])
    return Problem(422, "Not valid", detail, errors[:50]).response()


async def _unexpected(_: Request, __: Exception) -> Response:
    return our_fault().response()


def _field(found: Mapping[str, Any]) -> FieldError:
    place, message = found["loc"], str(found["msg"]).removeprefix("Value error, ")
    match found["type"]:
        case "json_invalid":
            place, message = place[:1], f"must be JSON: {found['ctx']['error']} at character {place[1]}"
        case "model_attributes_type":
            message = "must be a JSON object, sent with Content-Type: application/json"
    return FieldError(field=".".join(map(str, place))[:200], message=message[:300])


def _json(document: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(document)
    except (orjson.JSONEncodeError, TypeError):
        import json

        return json.dumps(document).encode()
