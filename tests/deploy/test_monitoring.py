"""Dashboards and alerts name what the services really tell, and each alert fires when it should."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import cli
from deploy.demo import compose
from deploy.settings import SERVICES
from shared.settings import PORTS
from tests.scrape import Scrape, scraped
from tests.world import World

MONITORING = compose.FILE.parent / "deploy" / "monitoring"
STACK: dict[str, dict[str, Any]] = yaml.safe_load(compose.FILE.read_text())["services"]
RULES: list[dict[str, Any]] = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"][0]["rules"]
ALERTS = {rule["alert"]: rule for rule in RULES}
DASHBOARDS = sorted((MONITORING / "grafana" / "dashboards").glob("*.json"))
METRIC = re.compile(r"\b((?:i2pcc|process)_\w+|up)\b(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)=(~?)"([^"]*)"')
GIVEN = {"job", "service", "instance"}
"""Labels that Prometheus adds to what it reads."""


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression, and where it stands."""
    for name, rule in ALERTS.items():
        yield name, rule["expr"]
    for file in DASHBOARDS:
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{file.stem}: {panel['title']}", target["expr"]


EXPRESSIONS = list(expressions())


@pytest.fixture
async def exposed(world: World) -> list[Scrape]:
    """What the running services tell, after a proposal has gone its way."""
    return [await scraped(world.anyone.http, world.anyone.platform.urls[service]) for service in SERVICES]


async def test_each_metric_label_and_value_that_is_named_is_told_by_a_service(exposed: list[Scrape]) -> None:
    for place, expression in EXPRESSIONS:
        named = METRIC.findall(expression)
        assert named, place
        for metric, matchers in named:
            if metric == "up":
                continue
            assert any(metric in scrape.names for scrape in exposed), f"{place} names {metric}, which nobody tells"
            for label, is_pattern, wanted in MATCHER.findall(matchers):
                if label in GIVEN:
                    continue
                told = {value for scrape in exposed for value in scrape.values(metric, label)}
                assert told, f"{place}: {metric} has no {label}"
                # A status is there once a request had it; what the others may be, the services say from the start.
                values = told | {"5xx"} if label == "status" else told
                parts = wanted.split("|") if is_pattern and "(" not in wanted else [wanted]
                for part in parts:
                    assert any(re.fullmatch(part, value) for value in values), f"{place}: {label} is never {part}"


async def test_what_is_grouped_by_is_a_label(exposed: list[Scrape]) -> None:
    for place, expression in EXPRESSIONS:
        labels = {label.strip() for group in re.findall(r"by \(([^)]*)\)", expression) for label in group.split(",")}
        told = {
            label
            for scrape in exposed
            for name, has in scrape.samples
            if name in {metric for metric, _ in METRIC.findall(expression)}
            for label, _ in has
        }
        assert labels <= told | GIVEN, place


async def test_every_figure_is_explained_to_operators(exposed: list[Scrape]) -> None:
    text = (compose.FILE.parent / "docs" / "operations.md").read_text()
    told = {re.sub("_(bucket|sum|count)$", "", name) for scrape in exposed for name in scrape.names}
    ours = {name for name in told if name.startswith("i2pcc_")}
    assert set(re.findall(r"^\| `(i2pcc_\w+)` ", text, re.M)) == ours


def test_prometheus_asks_every_service_of_the_stack_and_names_it() -> None:
    (job,) = yaml.safe_load((MONITORING / "prometheus.yml").read_text())["scrape_configs"]
    (targets,) = job["static_configs"]
    assert targets["targets"] == [f"{name}:{port}" for name, port in PORTS.items()]
    assert job["job_name"] == "i2pcc"
    (relabelled,) = job["relabel_configs"]
    found = [re.fullmatch(relabelled["regex"], target) for target in targets["targets"]]
    assert [match and match[1] for match in found] == list(SERVICES)
    assert relabelled["target_label"] == "service"


def test_what_is_mounted_is_there_and_is_where_it_is_looked_for() -> None:
    inside = {}
    for name in ("prometheus", "grafana"):
        for volume in STACK[name]["volumes"]:
            source, target, *mode = volume.split(":")
            if source.startswith("./"):
                assert (compose.FILE.parent / source).exists()
                assert mode == ["ro"]
                inside[target] = compose.FILE.parent / source
    (rules,) = yaml.safe_load(inside["/etc/prometheus/prometheus.yml"].read_text())["rule_files"]
    assert rules in inside
    provisioning = inside["/etc/grafana/provisioning"]
    (provider,) = yaml.safe_load((provisioning / "dashboards/i2pcc.yml").read_text())["providers"]
    assert inside[provider["options"]["path"]] == MONITORING / "grafana" / "dashboards"
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    boards = [json.loads(file.read_text()) for file in DASHBOARDS]
    sources = {panel["datasource"]["uid"] for board in boards for panel in board["panels"]}
    assert sources == {source["uid"]}
    assert len({board["uid"] for board in boards}) == len(boards) >= 2


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_what_is_the_matter_and_with_which_command_to_begin(name: str) -> None:
    annotations = ALERTS[name]["annotations"]
    assert annotations["summary"].endswith(".")
    commands = {
        command.name or command.callback.__name__ for command in cli.app.registered_commands if command.callback
    }
    commands |= {group.name for group in cli.app.registered_groups if group.name}
    named = re.findall(r"`i2pcc (\w+)", annotations["runbook"])
    assert named
    assert set(named) <= commands


@dataclass(frozen=True)
class Case:
    """An alert's trial: series minute by minute, when it is still quiet, when it fires, and what it says then."""

    series: Mapping[str, str]
    quiet: str
    fires: str
    labels: Mapping[str, str]
    summary: str


INTAKE = {"service": "intake"}
CASES = {
    "ServiceDown": Case(
        {'up{job="i2pcc",service="intake"}': "1 1 0x10", 'up{job="i2pcc",service="notify"}': "1x12"},
        "2m",
        "3m",
        {"job": "i2pcc", **INTAKE},
        "intake does not answer.",
    ),
    "DatabaseAway": Case(
        {'i2pcc_database_up{service="intake"}': "1 1 0x10"},
        "2m",
        "3m",
        INTAKE,
        "intake cannot reach its database: commands are answered with 503.",
    ),
    "ServerErrors": Case(
        {
            'i2pcc_http_request_duration_seconds_count{service="intake",status="2xx"}': "0+95x30",
            'i2pcc_http_request_duration_seconds_count{service="intake",status="5xx"}': "0x5 0+5x25",
            'i2pcc_http_request_duration_seconds_count{service="notify",status="2xx"}': "0+99.5x30",
            'i2pcc_http_request_duration_seconds_count{service="notify",status="5xx"}': "0+0.5x30",
        },
        "8m",
        "20m",
        INTAKE,
        "intake fails 5% of its requests.",
    ),
    "OutboxOld": Case(
        {
            'i2pcc_outbox_oldest_seconds{service="intake"}': "0 30 90 150",
            'i2pcc_outbox_oldest_seconds{service="notify"}': "59x5",
        },
        "2m",
        "3m",
        INTAKE,
        "An event of intake has waited 2m 30s to be published.",
    ),
    "OutboxParked": Case(
        {
            'i2pcc_outbox_rows{service="intake",state="parked"}': "0 2x5",
            'i2pcc_outbox_rows{service="intake",state="due"}': "9x6",
        },
        "1m",
        "2m",
        INTAKE,
        "Kafka refuses 2 events of intake; what follows on their keys waits.",
    ),
    "RelayWithoutOwner": Case(
        {
            'i2pcc_relay_owner{service="intake",instance="a"}': "1 0x5",
            'i2pcc_relay_owner{service="intake",instance="b"}': "0x6",
            'i2pcc_relay_owner{service="notify",instance="a"}': "1x6",
            'i2pcc_relay_owner{service="notify",instance="b"}': "0x6",
        },
        "1m",
        "2m",
        INTAKE,
        "No process of intake publishes its outbox.",
    ),
    "ConsumerStuck": Case(
        {
            'i2pcc_consumer_lag{service="notify",topic="t",partition="0"}': "0x10 7x20",
            'i2pcc_events_consumed_total{service="notify",type="x"}': "0+5x10 50x20",
            'i2pcc_consumer_lag{service="matching",topic="t",partition="0"}': "7x30",
            'i2pcc_events_consumed_total{service="matching",type="x"}': "0+5x30",
        },
        "13m",
        "25m",
        {"service": "notify"},
        "notify is 7 events behind and applies none.",
    ),
    "LagGrowing": Case(
        {
            'i2pcc_consumer_lag{service="notify",topic="t",partition="0"}': "0+100x40",
            'i2pcc_consumer_lag{service="matching",topic="t",partition="0"}': "5000-10x40",
        },
        "11m",
        "30m",
        {"service": "notify", "topic": "t"},
        "notify is 3000 events behind on t, and more each minute.",
    ),
    "DeadLettersLeft": Case(
        {
            'i2pcc_dead_letters{service="notify",topic="t",state="left"}': "0 3x5",
            'i2pcc_dead_letters{service="matching",topic="t",state="retrying"}': "9x6",
        },
        "1m",
        "2m",
        {"service": "notify", "topic": "t"},
        "3 events of t could not be applied by notify, and wait for somebody.",
    ),
    "MailFailing": Case(
        {
            'i2pcc_mails_total{service="notify",template="presented",outcome="failed"}': "0x5 0+1x25",
            'i2pcc_mails_total{service="notify",template="expired",outcome="failed"}': "0x10 2x20",
        },
        "8m",
        "30m",
        {"template": "presented"},
        "Mails (presented) fail: 15 tries in 15 minutes.",
    ),
    "MatchesSilent": Case(
        {
            'i2pcc_events_published_total{service="intake",type="ProposalSubmitted"}': "0+1x150",
            'i2pcc_events_published_total{service="matching",type="NoMatchFound"}': "0+1x30 30x120",
            'i2pcc_events_published_total{service="matching",type="MatchFound"}': "0x150",
        },
        "60m",
        "140m",
        {},
        "60 proposals came in within the hour, and matching has said nothing of any.",
    ),
}


@pytest.fixture(scope="module")
def promtool() -> str:
    """Prometheus's own checker, if it is here; CI brings it."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not here; Debian's package prometheus has it")
    return found


def test_every_alert_has_a_trial() -> None:
    assert CASES.keys() == ALERTS.keys()


@pytest.mark.parametrize("name", CASES)
def test_an_alert_fires_when_it_should_and_for_whom_alone(name: str, promtool: str, tmp_path: Path) -> None:
    case, rule = CASES[name], ALERTS[name]
    annotations = {"summary": case.summary, "runbook": rule["annotations"]["runbook"]}
    alert = {"exp_labels": {"severity": rule["labels"]["severity"], **case.labels}, "exp_annotations": annotations}
    trial = {
        "interval": "1m",
        "input_series": [{"series": series, "values": values} for series, values in case.series.items()],
        "alert_rule_test": [
            {"eval_time": case.quiet, "alertname": name, "exp_alerts": []},
            {"eval_time": case.fires, "alertname": name, "exp_alerts": [alert]},
        ],
    }
    file = tmp_path / "trial.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(MONITORING / "alerts.yml")], "tests": [trial]}))
    found = subprocess.run([promtool, "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_promtool_takes_the_configuration(promtool: str, tmp_path: Path) -> None:
    text = (MONITORING / "prometheus.yml").read_text().replace("/etc/prometheus", str(MONITORING))
    (tmp_path / "prometheus.yml").write_text(text)
    found = subprocess.run(
        [promtool, "check", "config", str(tmp_path / "prometheus.yml")], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr
