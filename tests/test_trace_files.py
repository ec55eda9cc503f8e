"""What the real services keep of a command by default, and that what is sampled out leaves nothing."""

import secrets
from collections.abc import Sequence
from pathlib import Path

import pytest

from deploy.embedded.platform import Platform
from deploy.traces.spans import Span, Trace, about, whole
from deploy.waiting import until
from shared.events import CompanyRegistered
from tests.browser import Browser
from tests.factories import company_body, company_of, company_person, contact_body
from tests.tables import superuser
from tests.topics import published

TOPIC = CompanyRegistered.topic


def traceparent() -> str:
    """Of a caller whose trace is kept, however busy the services are."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


async def trace_of(platform: Platform, business_id: str, *wanted: tuple[str, str]) -> Trace:
    """The one trace about an object, once these services' spans of these names are in it: each writes its own file,
    in its own time."""
    found: list[Trace] = []

    async def told() -> bool:
        found[:] = traces_about(platform, business_id)
        return set(wanted) <= {(span.service, span.name) for trace in found for span in trace.spans}

    assert await until(told, 30), found
    (trace,) = found
    return trace


def traces_about(platform: Platform, business_id: str) -> Sequence[Trace]:
    folders = [platform.settings.traces]
    return list(whole(folders, about(folders, business_id)).values())


def named(trace: Trace, service: str, name: str) -> Span:
    """A service's first span of that name. Spans are written as they end: what a request did is there before it."""
    return next(span for span in trace.spans if (span.service, span.name) == (service, name))


def files(platform: Platform) -> list[Path]:
    return list(platform.settings.traces.glob("*.jsonl"))


async def test_a_command_is_kept_in_the_words_of_opentelemetrys_conventions(operator: Browser) -> None:
    platform, company = operator.platform, operator.of(company_person())
    parent = traceparent()
    await company.done("intake", "/v1/companies", company_body(company.person), headers={"traceparent": parent})
    wanted = ("intake", "POST /v1/companies"), ("intake", f"send {TOPIC}"), ("matching", f"process {TOPIC}")
    trace = await trace_of(platform, company_of(company.person), *wanted)
    request, sent, received = (named(trace, *each) for each in wanted)

    assert (request.kind, request.trace, request.parent) == ("server", *parent.split("-")[1:3])
    assert {
        "http.request.method": "POST",
        "http.route": "/v1/companies",
        "http.response.status_code": 201,
        "url.path": "/v1/companies",
        "url.scheme": "http",
        "server.port": platform.settings.port("intake"),
    }.items() <= request.attributes.items()

    message = {
        "messaging.system": "kafka",
        "messaging.destination.name": TOPIC,
        "messaging.message.id": sent.attributes["messaging.message.id"],
    }
    assert (sent.kind, sent.parent) == ("producer", request.id)
    assert {
        **message,
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
    }.items() <= sent.attributes.items()

    assert (received.kind, received.parent) == ("consumer", sent.id)
    assert {
        **message,
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.consumer.group.name": "matching",
    }.items() <= received.attributes.items()
    assert isinstance(received.attributes["messaging.kafka.offset"], int)
    assert received.attributes["messaging.destination.partition.id"].isdecimal()


async def test_statements_are_kept_without_their_values_and_polls_not_at_all(operator: Browser) -> None:
    platform, company = operator.platform, operator.of(company_person())
    name = f"Dijlezuiver {secrets.token_hex(8)}"
    body = company_body(company.person, name=name)
    await company.done("intake", "/v1/companies", body, headers={"traceparent": traceparent()})
    trace = await trace_of(platform, company_of(company.person), ("intake", "POST /v1/companies"))
    statement, *_ = [s for s in trace.spans if s.service == "intake" and s.name.startswith("INSERT company")]
    assert statement.kind == "client"
    assert {
        "db.system.name": "postgresql",
        "db.namespace": "i2pcc",
        "db.operation.name": statement.attributes["db.query.text"].split()[0].upper(),
        "db.query.summary": statement.name,
        "server.address": "127.0.0.1",
        "server.port": platform.settings.port("postgres"),
    }.items() <= statement.attributes.items()
    assert "$1" in statement.attributes["db.query.text"]
    kept = [file.read_text() for file in files(platform)]
    assert not [text for text in kept if name in text]
    assert not [text for text in kept if "pg_try_advisory_lock" in text or "from outbox o" in text]


async def test_a_failure_is_in_the_trace_and_in_the_log_under_the_same_id_and_says_nothing_personal(
    operator: Browser,
) -> None:
    platform, person = operator.platform, operator.of(company_person())
    body = contact_body()
    async with superuser(platform) as database:
        await database.execute("revoke insert on intake.contact from i2pcc_intake")
        try:
            parent = traceparent()
            answer = await person.send(
                "intake", f"/v1/contacts?mail={body['mail']}", body, headers={"traceparent": parent}
            )
        finally:
            await database.execute("grant insert on intake.contact to i2pcc_intake")
    assert answer.status_code == 500
    trace_id = parent.split("-")[1]

    traces: list[Trace] = []

    async def kept() -> bool:
        traces[:] = whole([platform.settings.traces], {trace_id}).values()
        return any(span.name == "POST /v1/contacts" for trace in traces for span in trace.spans)

    assert await until(kept, 30)
    (trace,) = traces
    assert named(trace, "intake", "POST /v1/contacts").error
    assert "InsufficientPrivilegeError" in {span.error for span in trace.spans}
    assert not [file for file in files(platform) if body["mail"] in file.read_text()]
    log = (platform.processes.logs / "intake.log").read_text().splitlines()
    (line,) = [line for line in log if trace_id in line]
    assert "POST /v1/contacts failed: InsufficientPrivilegeError" in line


async def test_what_is_sampled_out_leaves_nothing_in_any_service(
    operator: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decision of who began goes with the event, over outbox and inbox."""
    platform = operator.platform
    left, kept = operator.of(company_person()), operator.of(company_person())
    with monkeypatch.context() as environment:
        environment.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
        await platform.restart("intake")
    try:
        await left.done("intake", "/v1/companies", company_body(left.person))
        await published(platform, TOPIC)
        parent = traceparent()
        await kept.done("intake", "/v1/companies", company_body(kept.person), headers={"traceparent": parent})
        trace = await trace_of(platform, company_of(kept.person), ("matching", f"process {TOPIC}"))
    finally:
        await platform.restart("intake")
    await _known_to_matching(platform, company_of(left.person))
    assert trace.id == parent.split("-")[1]
    assert traces_about(platform, company_of(left.person)) == []


async def _known_to_matching(platform: Platform, company: str) -> None:
    async with superuser(platform) as database:

        async def known() -> bool:
            query = "select exists (select from matching.company where company_id = $1)"
            return bool(await database.fetchval(query, company))

        assert await until(known, 30)
