"""What is shown when a backup is made or restored."""

from pathlib import Path
from typing import TYPE_CHECKING

from deploy.backup.contents import Contents
from deploy.backup.ledgers import beside
from deploy.screen import columns, console, heading

if TYPE_CHECKING:
    from deploy.backup.restore import Restored


def tell_backup(folder: Path, contents: Contents) -> None:
    """What is in it, and what to keep in mind."""
    size = sum(file.bytes for file in contents.files.values())
    records = sum(topic.records for topic in contents.topics.values())
    heading(f"Backed up as of {contents.at.astimezone():%Y-%m-%d %H:%M:%S}.")
    rows = columns()
    rows.add_row(
        str(folder), f"{size / 1_000_000:.1f} MB: {len(contents.schemas)} schemas, {records} records of topics"
    )
    rows.add_row(str(beside(folder)), "who is erased from now on: keep it with the backups, and never the older one")
    console.print(rows)
    console.print("Names and addresses of people are in it. Passwords and keys are not.", soft_wrap=True)


def tell_restored(restored: "Restored") -> None:
    """What is back, and what to do next."""
    heading(f"Everything is as of {restored.at.astimezone():%Y-%m-%d %H:%M:%S}.")
    rows = columns()
    rows.add_row(str(restored.records), "records on the topics")
    rows.add_row(str(restored.groups), "consumer groups go on where they were")
    rows.add_row(str(restored.erased), "people were erased since, and are erased again")
    console.print(rows)
    console.print("Start it with: i2pcc up", soft_wrap=True)
