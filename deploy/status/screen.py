"""A status on one screen."""

from collections.abc import Mapping
from datetime import timedelta

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from deploy.screen import headed
from deploy.settings import SERVICES
from deploy.status.groups import Group
from deploy.status.look import Status

UNKNOWN = "-"


def shown(status: Status, hint: str = "") -> RenderableType:
    """The parts; what goes through each service and waits in its tables; how far readers are behind."""
    blocks: list[RenderableType] = [_parts(status)]
    if any(status.rates.values()) or any(status.waiting.values()):
        blocks += [Text(), _services(status)]
    if status.groups:
        blocks += [Text(), _groups(status.groups)]
    for name, table in status.waiting.items():
        if table and (found := _by_topic(table.left)):
            blocks.append(Text(f"{name} left to an operator: {found}", "red"))
    blocks += [Text(sentence, "yellow") for sentence in status.missing]
    return Lines(*blocks, *([Text(hint)] if hint else []))


def _parts(status: Status) -> Table:
    table = headed("name", "pid", "port", "memory", "ready")
    for part in status.parts:
        if part.pid is None:
            table.add_row(part.name, UNKNOWN, str(part.port), UNKNOWN, Text("not running", "red"))
        else:
            ready = Text("yes") if part.ready else Text("no", "red")
            table.add_row(part.name, str(part.pid), str(part.port), f"{part.memory_mb} MB", ready)
    return table


def _services(status: Status) -> Table:
    table = headed(
        "service", "requests/s", "mean", "failed/s", "published/s", "applied/s", "outbox", "late", "dead letters"
    )
    for name in SERVICES:
        table.add_row(name, *_flow(status, name), *_backlog(status, name))
    return table


def _flow(status: Status, name: str) -> list[str | Text]:
    rates = status.rates[name]
    if rates is None:
        return [UNKNOWN] * 5
    mean = UNKNOWN if rates.milliseconds is None else f"{rates.milliseconds:.0f} ms"
    failed = Text(f"{rates.failures:.0f}", "red" if rates.failures else "")
    return [f"{rates.requests:.0f}", mean, failed, f"{rates.published:.0f}", f"{rates.applied:.0f}"]


def _backlog(status: Status, name: str) -> list[str | Text]:
    waiting = status.waiting[name]
    if waiting is None:
        return [UNKNOWN] * 3
    rows = ", ".join(
        f"{number} {word}".strip()
        for number, word in ((waiting.due, ""), (waiting.later, "later"), (waiting.parked, "parked"))
        if number or not word
    )
    retrying, left = sum(waiting.retrying.values()), sum(waiting.left.values())
    letters = ", ".join(f"{number} {word}" for number, word in ((retrying, "tried again"), (left, "left")) if number)
    late = str(timedelta(seconds=round(waiting.oldest_seconds))) if waiting.oldest_seconds >= 1 else "0"
    return [Text(rows, "red" if waiting.parked else ""), late, Text(letters or "0", "red" if left else "")]


def _groups(groups: list[Group]) -> Table:
    table = headed("group", "readers", "behind", "by topic")
    for group in groups:
        readers = Text(str(group.members), "" if group.members else "red")
        table.add_row(group.name, readers, str(sum(group.lag.values())), _by_topic(group.lag) or UNKNOWN)
    return table


def _by_topic(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{topic} {number}" for topic, number in numbers.items() if number)
