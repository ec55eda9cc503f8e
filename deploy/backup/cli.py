"""The commands backup and restore."""

from pathlib import Path
from typing import Annotated

import typer

from deploy import interrupts

app = typer.Typer()


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", resolve_path=True, help="A folder that is not there yet.")],
) -> None:
    """Copy all that the platform knows into a folder, while it goes on working."""
    from deploy.backup.take import take
    from deploy.backup.telling import tell_backup
    from deploy.running import platform
    from deploy.screen import Screen

    with Screen() as steps:
        contents = interrupts.run(take(platform(), folder, steps))
    tell_backup(folder, contents)


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", resolve_path=True, help="What `i2pcc backup` has made.")],
    erasures: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Who was erased since; if not said, erasures.jsonl beside the backup."),
    ] = None,
) -> None:
    """Make an empty state folder the platform that was backed up; who was erased since is erased again."""
    from deploy.backup.restore import restore as put_back
    from deploy.backup.telling import tell_restored
    from deploy.embedded.platform import Platform
    from deploy.screen import Screen
    from deploy.settings import Settings, read

    with Screen() as steps:
        restored = interrupts.run(put_back(Platform(read(Settings), steps), folder, erasures, steps))
    tell_restored(restored)
