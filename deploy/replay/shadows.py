"""Shadows of a service's tables: temporary tables of the same names, which one session sees in their place.

PostgreSQL looks for a temporary table first where a name does not say its schema. So projections fill shadows unawares,
nobody else sees them, and they go with the connection, however it ends.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import MetaData, Table, text

from shared.db import Db

PLUMBING = ("inbox", "outbox")
"""Shadowed too, so that nothing that a projection does could be published."""
WRITTEN = text(
    "select column_name from information_schema.columns where table_schema = current_schema() "
    "and table_name = :table and is_generated = 'NEVER' and is_identity = 'NO' order by ordinal_position"
)


@dataclass
class Difference:
    """How a table differed from its shadow, by the ids of its rows."""

    table: str
    rows: int = 0
    """That the table has now."""
    added: list[UUID] = field(default_factory=list)
    changed: list[UUID] = field(default_factory=list)
    removed: list[UUID] = field(default_factory=list)


async def cast(db: Db, schema: str, metadata: MetaData) -> None:
    """Make an empty shadow of each of a service's tables, for as long as the connection lives."""
    for name in (*(table.name for table in metadata.sorted_tables), *PLUMBING):
        await db.execute(text(f"create temporary table {name} (like {schema}.{name} including all)"))


async def keep_lasting(db: Db, schema: str, tables: Iterable[Table]) -> None:
    """Have in the shadows what outlives its topic, as it is."""
    for table in tables:
        for column in _marked(table, "lasting"):
            names = ", ".join(await _columns(db, table))
            await db.execute(
                text(f"insert into {table.name} ({names}) select {names} from {schema}.{table.name} where {column}")
            )


async def filled(db: Db, tables: Iterable[Table]) -> list[str]:
    """The names of those whose shadows hold something."""
    return [each.name for each in tables if await db.scalar(text(f"select exists (select from {each.name})"))]


async def settle(db: Db, schema: str, table: Table, *, remove: bool) -> Difference:
    """Bring a table to what its shadow holds; what no event says is left, but for what is made from what events say.

    Args:
        remove: take rows away that the shadow does not have.
    """
    (key,) = table.primary_key.columns.keys()
    real, columns = f"{schema}.{table.name}", await _columns(db, table)
    own, lasting, derived = (_marked(table, mark) for mark in ("own", "lasting", "derived"))
    told = [name for name in columns if name != key and (name not in own or name in lasting)]
    left = [name for name in own if name in columns and name not in (*lasting, *derived)]
    sets = [f"{name} = s.{name}" for name in told] + [f"{name} = null" for name in derived]
    for condition in lasting:
        sets += [f"{name} = case when s.{condition} then s.{name} else r.{name} end" for name in left]
    mine, theirs = (", ".join(f"{each}.{name}" for name in told) for each in "rs")
    found = Difference(table.name)
    if remove:
        gone = f"delete from {real} r where not exists (select from {table.name} s where s.{key} = r.{key})"
        found.removed = await _ids(db, f"{gone} returning {key}")
    found.changed = await _ids(
        db,
        f"update {real} r set {', '.join(sets)} from {table.name} s "
        f"where r.{key} = s.{key} and row({mine}) is distinct from row({theirs}) returning r.{key}",
    )
    names = ", ".join(columns)
    found.added = await _ids(
        db,
        f"insert into {real} ({names}) select {names} from {table.name} s "
        f"where not exists (select from {real} r where r.{key} = s.{key}) returning {key}",
    )
    found.rows = await db.scalar(text(f"select count(*) from {real}")) or 0
    return found


async def ask(db: Db, schema: str, table: Table, differences: Sequence[Difference]) -> int:
    """Have the work done that projections asked for in the shadow, on what was different; how much that is."""
    real = f"{schema}.{table.name}"
    removed = [each for found in differences for each in found.removed]
    await db.execute(text(f"delete from {real} where id = any(:ids)"), {"ids": removed})
    columns = await _columns(db, table)
    names = ", ".join(columns)
    every = (column.name for column in table.columns if column.name != "id")
    sets = ", ".join(f"{name} = excluded.{name}" for name in every)
    changed = [each for found in differences for each in (*found.added, *found.changed)]
    asked = await _ids(
        db,
        f"insert into {real} ({names}) select {names} from {table.name} where id = any(:ids) order by id "
        f"on conflict (id) do update set {sets} returning id",
        ids=changed,
    )
    return len(asked)


async def _columns(db: Db, table: Table) -> Sequence[str]:
    """The columns that are written; those that PostgreSQL fills by itself are not."""
    return (await db.scalars(WRITTEN, {"table": table.name})).all()


async def _ids(db: Db, statement: str, **values: Any) -> list[UUID]:
    return list((await db.scalars(text(statement), values)).all())


def _marked(table: Table, mark: str) -> Collection[str]:
    return [column.name for column in table.columns if column.info.get(mark)]
