"""i2pcc trace: what it shows of the files that the services' exporter writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import orjson
import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Link, Span, SpanContext

from shared.telemetry import failed
from shared.tracefiles import TraceFiles
from tests.deploy.test_cli import run


@dataclass
class Kept:
    """A state folder with traces in it."""

    state: Path

    @contextmanager
    def span(self, name: str, service: str = "intake", link: SpanContext | None = None, **about: str) -> Iterator[Span]:
        """Something that a service does, in what goes on now."""
        provider = TracerProvider(resource=Resource({"service.name": f"i2pcc-{service}"}), shutdown_on_exit=False)
        files = TraceFiles(self.state / "traces", service, 1_000_000)
        provider.add_span_processor(SimpleSpanProcessor(files))
        attributes = {name if "." in name else f"i2pcc.{name}": value for name, value in about.items()}
        links = [Link(link)] if link else []
        with provider.get_tracer("tests").start_as_current_span(name, links=links, attributes=attributes) as span:
            yield span
        provider.shutdown()

    def shown(self, *arguments: str) -> str:
        """What the command prints."""
        result = run("trace", *arguments, I2PCC_STATE=str(self.state), COLUMNS="100")
        assert result.returncode == 0, result.stderr
        return result.stdout

    def refused(self, *arguments: str) -> str:
        """The first line of what it says is wrong."""
        result = run("trace", *arguments, I2PCC_STATE=str(self.state))
        assert result.returncode
        assert "Traceback" not in result.stderr
        return result.stderr.splitlines()[0]


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def id_of(span: Span) -> str:
    return trace.format_trace_id(span.get_span_context().trace_id)


def test_a_trace_is_a_tree_of_what_led_to_what_with_services_and_errors(kept: Kept) -> None:
    proposal = str(uuid4())
    with kept.span("POST /v1/proposals", proposal_id=proposal) as root:
        with kept.span("INSERT proposal", **{"db.system.name": "postgresql"}):
            pass
        with kept.span("send i2pcc.proposals.v1", event="ProposalSubmitted"), kept.span("mail found", "notify") as mail:
            failed(mail, ConnectionError("to an.peeters@example.org"))
    lines = kept.shown(proposal).splitlines()
    assert lines[0] == f"Trace {id_of(root)}"
    assert lines[1].endswith("4 spans, 1 failed")
    assert [line.split("  ")[0].rstrip() for line in lines[3:6]] == [
        "POST /v1/proposals",
        "│ 1 statement",
        "└ send i2pcc.proposals.v1 ProposalSubmitted",
    ]
    assert lines[6].startswith("  └ mail found ✗ ConnectionError")
    assert "notify" in lines[6]
    assert "intake" in lines[3]
    assert "ms" in lines[3]
    assert max(map(len, lines)) <= 100
    assert "INSERT proposal" in kept.shown(proposal, "--statements")
    assert "peeters" not in kept.shown(proposal, "--statements")


def test_only_traces_about_the_object_are_shown_and_an_id_in_an_address_does_not_count(kept: Kept) -> None:
    match, other = str(uuid4()), str(uuid4())
    with kept.span("POST accept", match_id=match) as mine:
        pass
    with kept.span("POST decline", match_id=other) as others:
        pass
    with kept.span("GET match", **{"url.path": f"/v1/matches/{match}"}) as read:
        pass
    shown = kept.shown(match.upper())
    assert [id_of(span) in shown for span in (mine, others, read)] == [True, False, False]
    assert "POST decline" in kept.shown(id_of(others))


def test_linked_traces_are_told_both_ways(kept: Kept) -> None:
    with kept.span("POST /v1/proposals", proposal_id=str(uuid4())) as first:
        pass
    with kept.span("POST accept", link=first.get_span_context()) as second:
        pass
    assert f"linked to trace {id_of(first)}, POST /v1/proposals" in kept.shown(id_of(second))
    assert f"linked from trace {id_of(second)}, POST accept" in kept.shown(id_of(first))


def test_the_newest_traces_are_shown_and_how_many_there_are(kept: Kept) -> None:
    need = str(uuid4())
    for number in range(3):
        with kept.span(f"step {number}", need_id=need):
            pass
    shown = kept.shown(need, "--limit", "2")
    assert [f"step {number}" in shown for number in range(3)] == [False, True, True]
    assert "The newest 2 of 3 traces; --limit 3 shows 1 more." in shown


def test_all_that_is_known_can_be_had_as_json(kept: Kept, tmp_path: Path) -> None:
    need, file = str(uuid4()), tmp_path / "found.json"
    with kept.span("POST /v1/needs", "regions", need_id=need) as root, kept.span("mail found", "notify") as mail:
        failed(mail, OSError())
    kept.shown(need, "--json", str(file))
    (told,) = orjson.loads(file.read_bytes())
    assert (told["trace"], told["failed"]) == (id_of(root), 1)
    assert [(each["name"], each["service"], each["error"]) for each in told["spans"]] == [
        ("POST /v1/needs", "regions", None),
        ("mail found", "notify", "OSError"),
    ]
    assert told["spans"][1]["parent"] == told["spans"][0]["id"]
    assert told["spans"][0]["attributes"] == {"i2pcc.need_id": need}


def test_a_demos_traces_are_found_and_a_torn_line_is_passed_over(kept: Kept) -> None:
    need = str(uuid4())
    with Kept(kept.state / "demo").span("POST /v1/needs", need_id=need):
        pass
    for file in (kept.state / "demo" / "traces").iterdir():
        line = file.read_bytes()
        file.write_bytes(line[:-20] + b"\n" + line)
    assert "POST /v1/needs" in kept.shown(need)


def test_what_cannot_be_shown_is_told_in_a_sentence(kept: Kept) -> None:
    assert kept.refused(str(uuid4())).startswith(f"No traces are kept in {kept.state / 'traces'}")
    (kept.state / "traces").mkdir()
    unknown = str(uuid4())
    assert kept.refused(unknown) == f"Nothing is known of {unknown} in the last day's traces."
    assert kept.refused("An Peeters") == "An Peeters is no id."
