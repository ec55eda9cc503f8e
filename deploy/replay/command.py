"""What `i2pcc replay` does, and what it tells."""

import importlib
import time
from importlib.util import find_spec

from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import async_sessionmaker

from deploy.embedded.platform import Platform
from deploy.problems import Problem
from deploy.reading import Reader, reading
from deploy.replay.run import Replay, Report
from deploy.running import database, known
from deploy.screen import console, headed
from shared.bus import Handlers
from shared.db import Db


async def replay(platform: Platform, service: str, subject: str, *, partly: bool, dry: bool) -> Report:
    """Make a service's copies anew from what is on its topics.

    Args:
        partly: also where a topic has lost records; rows that it no longer tells of stay.
        dry: find out what would change, and change nothing.

    Raises:
        Problem: it cannot be done; nothing was changed.
    """
    handlers, metadata = _parts(service)
    if platform.process("kafka") is None:
        raise Problem("Kafka does not run here, so there is nothing to replay.", "Run: i2pcc up")
    topics = sorted({kind.topic for types in handlers.copies.values() for kind in types})
    owner = platform.manifest.services[service].migrator
    async with (
        database(platform, owner, "replay") as engine,
        engine.connect() as connection,
        reading(platform.kafka(service), topics) as reader,
    ):
        await connection.execution_options(schema_translate_map={service: None})
        sessions = async_sessionmaker(connection, class_=Db, expire_on_commit=False)
        partial = await _partial(platform, handlers, reader, partly=partly)
        return await Replay(service, handlers, metadata, sessions, partial).run(reader, subject, dry=dry)


def tell(service: str, report: Report, began: float, *, dry: bool) -> None:
    """Each table, how many rows it has, and how many of them were not as they should be."""
    table = headed("table", "rows", "added", "changed", "removed")
    for each in report.tables:
        counts = (each.rows, len(each.added), len(each.changed), len(each.removed))
        table.add_row(each.table, *map(str, counts))
    console.print(table)
    console.print(f"{report.records} records were read in {time.monotonic() - began:.1f} s.")
    if report.skipped:
        console.print(f"{report.skipped} of them are dead letters: i2pcc dlq list --service {service}")
    if report.asked:
        console.print(f"{report.asked} rows that were different are to be worked on anew.")
    if dry:
        console.print("Nothing was changed.")


def _parts(service: str) -> tuple[Handlers, MetaData]:
    """A service's handlers and its tables."""
    name = f"services.{known(service)}.handlers"
    handlers: Handlers = importlib.import_module(name).events if find_spec(name) else Handlers()
    if not handlers.copies:
        raise Problem(f"{service} keeps no copies of what others say, so there is nothing to replay.", code=2)
    metadata: MetaData = importlib.import_module(f"services.{service}.models").Base.metadata
    return handlers, metadata


async def _partial(platform: Platform, handlers: Handlers, reader: Reader, *, partly: bool) -> frozenset[str]:
    """The topics that no longer have all that was said on them; of a compacted one the newest is enough."""
    compacted = {topic.name for topic in platform.manifest.topics if topic.compact}
    gone = {topic: count for topic, count in (await reader.gone()).items() if topic not in compacted}
    if gone and not partly:
        told = ", ".join(f"{topic} has lost its first {count} records" for topic, count in gone.items())
        copies = handlers.copies.items()
        tables = [str(model.__tablename__) for model, types in copies if any(kind.topic in gone for kind in types)]
        raise Problem(
            f"{told}: {', '.join(tables)} cannot be made anew whole. Nothing was changed.",
            "To make the rest anew, and keep the rows there that nothing tells any more: --partly",
        )
    return frozenset(gone)
