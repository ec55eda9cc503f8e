"""What holds for every service, whatever it does."""

import importlib
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from typing import Any

import pytest
from sqlalchemy import MetaData, Table
from sqlalchemy import event as hooks
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.embedded.platform import Platform
from deploy.manifest import load
from deploy.settings import SERVICES
from shared import audit
from shared.bus import Consumer, Handlers
from shared.events import CATALOG, Event
from shared.service import Service
from tests.tables import emptied, superuser


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> Service:
    """The service that services/<name>/app.py makes, under its own name."""
    made: Service = getattr(importlib.import_module(f"services.{request.param}.app"), request.param)
    assert made.name == request.param
    return made


def test_a_service_is_in_the_manifest_and_reads_only_what_that_lets_it(service: Service) -> None:
    assert service.name in load().services
    allowed = {topic.name for topic in load().topics if service.name in topic.readers}
    assert set((service.handlers or Handlers()).topics) <= allowed


def test_a_projection_takes_every_event_of_its_topics(service: Service) -> None:
    """An event of its aggregate that it does not know would leave its copy behind for ever."""
    for types, project in (service.handlers or Handlers()).projections:
        aggregates = {(kind.topic, kind.key) for kind in types}
        assert set(types) == {kind for kind in CATALOG.values() if (kind.topic, kind.key) in aggregates}, project


def test_each_projection_says_which_tables_it_keeps_and_these_have_one_key(service: Service) -> None:
    """A replay makes these anew, by their key and no others."""
    handlers, tables = service.handlers or Handlers(), set(tables_of(service))
    kept: dict[tuple[type[Event], ...], list[Any]] = {}
    for model, types in handlers.copies.items():
        kept.setdefault(types, []).append(model)
        table: Table = model.__table__  # type: ignore[attr-defined]
        assert table in tables
        assert len(table.primary_key.columns) == 1
    assert kept.keys() == {types for types, _ in handlers.projections}


COLUMNS = "select table_name, column_name, column_default from information_schema.columns where table_schema = $1"


async def test_migrations_make_the_columns_that_the_models_have(service: Service, platform: Platform) -> None:
    async with superuser(platform) as connection:
        made = {(table, column): default for table, column, default in await connection.fetch(COLUMNS, service.name)}
    tables = {table.name: table for table in tables_of(service)}
    modelled = {(name, column.name) for name, table in tables.items() for column in table.columns}
    assert modelled - made.keys() == set()
    others = {place for place in made.keys() - modelled if place[0] in tables}
    assert all(made[place] for place in others), "a column that no model has needs a default"


async def test_a_worker_without_work_commits_nothing(
    service: Service, second_database: Callable[[str], str], platform: Platform
) -> None:
    """A commit wakes all workers of the process: two that found nothing would wake each other without end."""
    base = importlib.import_module(f"services.{service.name}.models").Base
    kafka = platform.kafka(service.name)
    async with emptied(second_database(f"i2pcc_{service.name}"), base) as made:
        workers = [*service.workers, *service.chores, audit.seal]
        if service.handlers:
            workers.append(Consumer(service.name, service.handlers, made, kafka).retry)
        engine: AsyncEngine = made.kw["bind"]
        commits: list[object] = []
        hooks.listen(engine.sync_engine, "commit", commits.append)
        for worker in workers:
            assert not await worker(made)
    assert commits == []


def tables_of(service: Service) -> Iterable[Table]:
    """The tables that the service's models say it has."""
    name = f"services.{service.name}.models"
    metadata: MetaData = importlib.import_module(name).Base.metadata if find_spec(name) else MetaData()
    return metadata.tables.values()
