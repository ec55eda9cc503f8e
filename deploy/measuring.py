"""The commands that measure: `i2pcc eval`, `i2pcc bench` and `i2pcc chaos`."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.options import JsonFile


def evaluate(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="needs.jsonl, proposals.jsonl, qrels.tsv and meta.json each.")
    ],
    json: JsonFile = None,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Show how probabilities would fit these sets.")
    ] = False,
) -> None:
    """Measure how well matching ranks, on sets whose answers are known."""
    from deploy.evaluation.run import evaluate as measure
    from deploy.settings import Settings, read

    measure(folders, read(Settings).state / "eval", json, calibrate=calibrate)


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help="relay, consume, intake, e2e, start, match; all if none")
    ] = None,
    json: JsonFile = None,
    needs: Annotated[
        str,
        typer.Option(
            help="Among how many open needs `match` searches: 1k,10k,100k if not said. 1M takes 15 GB of disk, 4 GB of "
            "memory, and half an hour."
        ),
    ] = "",
) -> None:
    """Measure the platform beside its peers, on servers of its own."""
    from deploy.bench.run import bench as measure

    measure(names or [], json, needs)


def chaos(
    names: Annotated[list[str] | None, typer.Argument(help="numbers or names of faults; all if none")] = None,
    seconds: Annotated[float | None, typer.Option(min=1, help="How long each fault goes on.")] = None,
    seed: Annotated[int | None, typer.Option(help="Make the same choices as an earlier run.")] = None,
    json: JsonFile = None,
) -> None:
    """Make faults under load, on servers of its own; the exit code is 1 if anything was lost or done twice."""
    from deploy.chaos.run import chaos as make

    if not make(names or [], seconds, seed, json):
        raise typer.Exit(1)
