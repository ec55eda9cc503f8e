"""The commands of `i2pcc dlq`."""

import sys
from typing import Annotated, Any

import typer

from deploy import interrupts
from deploy.problems import Problem

app = typer.Typer(help="Look at what could not be applied, try it again, or give it up.", no_args_is_help=True)

Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="such as notify/7")]
Of = Annotated[str | None, typer.Option("--service", help="Of this service alone.")]
Type = Annotated[str | None, typer.Option("--type", help="Of this event, such as NeedPosted.")]
Error = Annotated[str | None, typer.Option("--error", help="Whose cause has this text in it.")]
Since = Annotated[
    str | None, typer.Option("--since", help="Put aside since then: 30m, 2h, 3d ago, or a date and time.")
]
Until = Annotated[str | None, typer.Option("--until", help="Put aside before then.")]
Everything = Annotated[bool, typer.Option("--all", help="All there are.")]
As = Annotated[str | None, typer.Option("--as", help="Who does it, for the audit log; else the user of this machine.")]


@app.command("list")
def list_letters(
    service: Of = None,
    type: Type = None,
    error: Error = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, help="Letters at most.")] = 50,
) -> None:
    """List dead letters, the newest last."""
    from deploy.dlq.telling import show_list

    show_list(_found([], service=service, type=type, error=error, since=since, until=until), limit)


@app.command()
def show(id: Annotated[str, typer.Argument(metavar="ID", help="such as notify/7")]) -> None:
    """Show one dead letter: its headers, cause and tries, and its body unless that is personal."""
    from deploy.dlq.telling import show_one

    (letter,) = _found([id])
    show_one(letter)


@app.command()
def retry(
    ids: Ids = None,
    service: Of = None,
    type: Type = None,
    error: Error = None,
    since: Since = None,
    until: Until = None,
    everything: Everything = False,
    subject: As = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for what becomes of them.")] = 30,
) -> None:
    """Have services try dead letters now; the exit code is 1 unless all were applied."""
    from deploy.dlq import acts
    from deploy.running import operator, platform

    who = operator(subject)
    found = _meant(ids, everything, service=service, type=type, error=error, since=since, until=until)
    outcome = interrupts.run(acts.retry(platform(), found, who, wait))
    _tell(outcome)
    if len(outcome.applied) < len(found):
        raise typer.Exit(1)


@app.command()
def drop(
    reason: Annotated[str, typer.Option(help="Why, for the audit log; it names no person.")],
    ids: Ids = None,
    service: Of = None,
    type: Type = None,
    error: Error = None,
    since: Since = None,
    until: Until = None,
    everything: Everything = False,
    subject: As = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Give dead letters up for good; the audit log keeps where their records are, and why."""
    from deploy.dlq import acts
    from deploy.dlq.telling import show_list
    from deploy.running import operator, platform

    who = operator(subject)
    if not reason.strip():
        raise Problem("There is no reason.", "Say why: --reason TEXT", code=2)
    found = _meant(ids, everything, service=service, type=type, error=error, since=since, until=until)
    if found and not yes:
        if not sys.stdin.isatty():
            raise Problem("Nobody can be asked here whether to drop them.", "Say it with --yes", code=2)
        show_list(found, len(found))
        typer.confirm(f"Drop {len(found)} dead letters?", abort=True)
    typer.echo(f"{interrupts.run(acts.drop(platform(), found, who, reason))} dropped.")


def _meant(ids: list[str] | None, everything: bool, **narrowing: Any) -> list[Any]:
    if not (ids or everything or any(narrowing.values())):
        hint = "Name their ids, or narrow them by --service, --type, --error, --since, --until; or say --all"
        raise Problem("It was not said which dead letters.", hint, code=2)
    return _found(ids or [], **narrowing)


def _found(ids: list[str], **narrowing: Any) -> list[Any]:
    from datetime import datetime

    from deploy.dlq.acts import find
    from deploy.dlq.letters import choice
    from deploy.running import platform

    nothing = dict.fromkeys(("service", "type", "error", "since", "until"))
    chosen = choice(ids, datetime.now().astimezone(), **nothing | narrowing)
    return interrupts.run(find(platform(), chosen))


def _tell(outcome: Any) -> None:
    from deploy.dlq.telling import next_try, plain

    if not (outcome.applied or outcome.failed or outcome.waiting):
        typer.echo("No dead letter is like that.")
    if outcome.applied:
        typer.echo(f"{len(outcome.applied)} applied.")
    for letter in outcome.failed:
        typer.echo(f"{letter.name} failed again: {plain(letter.cause)}; next try: {next_try(letter)}")
    for service in outcome.stopped:
        typer.echo(f"{service} does not run: it will try its letters when it is back. Start it with: i2pcc up")
    if waiting := [name for name in outcome.waiting if name.partition("/")[0] not in outcome.stopped]:
        typer.echo(f"Not tried yet: {', '.join(waiting)}. See later: i2pcc dlq list")
