"""Options that several commands have."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from deploy.problems import Problem


def _is_for_a_file(file: Path | None) -> Path | None:
    """Refuse at once what can only be found out at the end, when the work is done."""
    hint = "Name a file for --json in a folder that exists."
    if file and not file.absolute().parent.is_dir():
        raise Problem(f"There is no folder {file.parent}.", hint, code=2)
    if file and file.is_dir():
        raise Problem(f"{file} is a folder.", hint, code=2)
    return file


JsonFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write all of it to this file too, as JSON.", callback=_is_for_a_file),
]
