"""Whatever a client sends, it is answered with a problem document that says what is wrong and what is allowed."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from deploy.settings import SERVICES
from shared.settings import Http
from tests.browser import JSON, Browser, check_problem
from tests.routes import COMMANDS, ROUTES, WITH_BODY, Route

UNREADABLE = {
    "nothing": b"",
    "half an object": b"{",
    "an array": b"[]",
    "a number": b"1",
    "a text": b'"text"',
    "null": b"null",
    "not UTF-8": b'{"title": "\xff"}',
    "60,000 brackets": b"[" * 30_000 + b"]" * 30_000,
    "a deep field": b'{"title":' * 5_000 + b"1" + b"}" * 5_000,
    "a number of 5,000 digits": b'{"version":' + b"9" * 5_000 + b"}",
}
TEXTS = ["", " \t", "a\x00b", "\ud800", 7, [], {}, "x" * 60_000]
NUMBERS = ["x", 1.5, float("nan"), float("inf"), None, []]
IDS = ["", "nope", "0" * 33, "\x00", 1, []]
DATES = ["", "tomorrow", "2027-02-30", "31/12/2027", "10000-01-01", 10**30, float("nan"), float("-inf"), []]
HUGE = [10**30, -(10**30), 2**31, 2**63, 1e308]


def wrong_values(schema: dict[str, Any]) -> Iterator[Any]:
    """What a field of this schema must not be."""
    match schema:
        case {"enum": allowed}:
            yield from ["atlantis", "\ud800", "\x00", max(allowed) * 2, 0, -1, 10**30, float("nan"), []]
        case {"format": "uuid"}:
            yield from IDS
        case {"format": "date"}:
            yield from DATES
        case {"type": "string"}:
            yield from TEXTS
        case {"type": "integer"}:
            yield from (number for number in NUMBERS if number is not None or "nullable" not in schema)
        case {"type": "number"}:
            yield from (number for number in NUMBERS if number not in (1.5, None))
        case {"type": "boolean"}:
            yield from ["x", 2, [], {}]
        case {"type": "array", "items": items}:
            yield from ["x", {}, 1, [None], *([[]] if "minItems" in schema else [])]
            yield from ([value] for value in wrong_values(items))
        case {"type": "object", "properties": properties}:
            yield from [1, {}, {name: "\ud800" for name in properties}]
        case _:
            raise AssertionError(f"which values are wrong for {schema}?")


def loose(value: object) -> bytes:
    """JSON as some clients write it: NaN, and surrogates without their other half."""
    return json.dumps(value).encode()


async def sent(operator: Browser, route: Route, content: bytes, **options: Any) -> Any:
    """The answer to a command whose body is this."""
    browser = operator.of(route.user())
    options.setdefault("headers", JSON)
    return await browser.send(route.service, route.at(), method=route.method, content=content, **options)


@pytest.mark.parametrize("unreadable", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("route", WITH_BODY, ids=str)
async def test_a_body_that_is_no_json_object_is_refused(operator: Browser, route: Route, unreadable: bytes) -> None:
    problem = check_problem(await sent(operator, route, unreadable), 422)
    assert all(error["field"].startswith("body") for error in problem["errors"])
    assert "JSON" in problem["detail"] or "required" in problem["detail"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "é", ""])
@pytest.mark.parametrize("route", WITH_BODY, ids=str)
async def test_a_body_of_another_content_type_is_told_which_one_is_read(
    operator: Browser, route: Route, kind: str
) -> None:
    answer = await sent(operator, route, b"{}", headers={"Content-Type": kind.encode()})
    assert "application/json" in check_problem(answer, 422, "body")["detail"]


FIELDS = [(route, field) for route in WITH_BODY for field in route.fields or {}]


@pytest.mark.parametrize(("route", "field"), FIELDS, ids=lambda value: str(value))
async def test_each_field_that_is_wrong_is_named(operator: Browser, route: Route, field: str) -> None:
    assert route.fields
    for value in wrong_values(route.fields[field]):
        problem = check_problem(await sent(operator, route, loose({field: value})), 422)
        named = {error["field"] for error in problem["errors"]}
        assert any(name == f"body.{field}" or name.startswith(f"body.{field}.") for name in named), (value, named)


@pytest.mark.parametrize("route", WITH_BODY, ids=str)
async def test_huge_numbers_are_refused_in_every_field(operator: Browser, route: Route) -> None:
    for number in HUGE:
        answer = await sent(operator, route, loose(dict.fromkeys(route.fields or {}, number)))
        check_problem(answer, 404 if list(route.fields or {}) == ["version"] and number != 1e308 else 422)


@pytest.mark.parametrize("name", ["titel", "version\x00", "\ud800", "x" * 10_000])
@pytest.mark.parametrize("route", WITH_BODY, ids=str)
async def test_a_field_that_nobody_knows_is_refused(operator: Browser, route: Route, name: str) -> None:
    check_problem(await sent(operator, route, loose({name: 1})), 422)


async def test_a_choice_names_what_can_be_chosen(operator: Browser) -> None:
    route = next(route for route in WITH_BODY if route.path == "/v1/needs")
    problem = check_problem(await sent(operator, route, loose({"challenges": [12], "language": "fr"})), 422)
    said = {error["field"]: error["message"] for error in problem["errors"]}
    assert "10 or 11" in said["body.challenges.0"]
    assert "'nl', 'en' or 'zh'" in said["body.language"]


async def test_a_long_text_is_told_its_limit_in_characters(operator: Browser) -> None:
    route = next(route for route in WITH_BODY if route.path == "/v1/needs")
    problem = check_problem(await sent(operator, route, loose({"title": "x" * 201})), 422, "body.title")
    assert "at most 200 characters" in problem["detail"]


async def pieces(size: int) -> AsyncIterator[bytes]:
    """A body whose length is not told."""
    for _ in range(0, size, 4_096):
        yield b" " * 4_096


@pytest.mark.parametrize("route", COMMANDS, ids=str)
async def test_a_body_that_is_too_large_is_told_the_limit(operator: Browser, route: Route) -> None:
    for content in (b'"' + b"x" * 1_000_000 + b'"', pieces(1_000_000)):
        problem = check_problem(await sent(operator, route, content), 413)  # type: ignore[arg-type]
        assert str(Http().max_body) in problem["detail"]


@pytest.mark.parametrize(
    "key", [None, b"", b"7-chars", b"x" * 129, b"with a blank", "né-à-Liège".encode(), b"tab\tbed-key"]
)
@pytest.mark.parametrize("route", COMMANDS, ids=str)
async def test_a_command_needs_an_idempotency_key(operator: Browser, route: Route, key: bytes | None) -> None:
    headers = JSON if key is None else JSON | {"Idempotency-Key": key}  # type: ignore[dict-item]
    check_problem(await sent(operator, route, b"{}", key=None, headers=headers), 422, "header.Idempotency-Key")


@pytest.mark.parametrize("route", [route for route in ROUTES if "{" in route.path], ids=str)
async def test_an_id_that_is_none_is_named(operator: Browser, route: Route) -> None:
    browser = operator.of(route.user())
    name = route.path.partition("{")[2].partition("}")[0]
    for value in ("nope", "%00", "%ff", "0" * 33, "x" * 5_000, "%F0%9F%8C%B1"):
        answer = await browser.send(route.service, route.at(value), method=route.method)
        check_problem(answer, 422, f"path.{name}")


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_another_method_is_told_which_ones_there_are(operator: Browser, route: Route) -> None:
    answer = await operator.of(route.user()).send(route.service, route.at(), method="DELETE")
    check_problem(answer, 405)
    assert answer.headers["allow"]


@pytest.mark.parametrize("path", ["/v1", "/v1/nothing", "/", "/v1/needs/%2e%2e/x", "/docs/assets/nothing", "/%ff"])
@pytest.mark.parametrize("service", SERVICES)
async def test_a_path_that_leads_nowhere_is_a_problem_too(operator: Browser, service: str, path: str) -> None:
    check_problem(await operator.read(service, path), 404)


@pytest.mark.parametrize(
    ("service", "path", "query", "field"),
    [
        ("intake", "/v1/proposals", {"limit": "0"}, "limit"),
        ("intake", "/v1/proposals", {"limit": "9" * 5_000}, "limit"),
        ("regions", "/v1/needs", {"limit": "many"}, "limit"),
        ("regions", "/v1/needs", {"after": "\x00"}, "after"),
        ("matching", "/v1/matches", {"state": "liked"}, "state"),
        ("matching", "/v1/matches", {"need_id": "mine"}, "need_id"),
        ("matching", "/v1/matches", {"limit": "101"}, "limit"),
    ],
)
async def test_a_query_that_is_wrong_is_named(
    operator: Browser, service: str, path: str, query: dict[str, str], field: str
) -> None:
    person = next(route for route in ROUTES if route.service == service).user()
    check_problem(await operator.of(person).read(service, path, **query), 422, f"query.{field}")
