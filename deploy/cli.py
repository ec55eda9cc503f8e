"""The i2pcc command. What a command needs is imported when it runs, so that help and mistakes answer at once."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy import interrupts
from deploy.backup.cli import app as backup
from deploy.dlq.cli import app as dlq
from deploy.doctor.cli import doctor
from deploy.measuring import bench, chaos, evaluate
from deploy.options import JsonFile
from deploy.problems import Problem, disk
from deploy.replay.cli import replay

if TYPE_CHECKING:
    from deploy.embedded.platform import Platform

app = typer.Typer(
    help="Matchmaking between Flemish cleantech companies and Chinese regions, on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
audit = typer.Typer(help="Read and check the audit log: who did what to which objects.", no_args_is_help=True)
app.add_typer(audit, name="audit")
matching = typer.Typer(help="Learn from answers how to score, and match everything anew.", no_args_is_help=True)
app.add_typer(matching, name="matching")
app.add_typer(dlq, name="dlq")
app.add_typer(backup)


def main() -> None:
    """Run one command; a foreseen problem is told in a sentence."""
    try:
        with disk():
            app()
    except Problem as problem:
        typer.echo("\n".join(filter(None, (problem.message, problem.hint))), err=True)
        sys.exit(problem.code)
    except interrupts.Interrupted as interrupted:
        typer.echo("Stopped before the end; nothing that this command started is left running.", err=True)
        sys.exit(interrupted.code)


@app.command()
def up(
    traces: Annotated[bool, typer.Option("--traces", help="Start Zipkin too, to look at traces in a browser.")] = False,
) -> None:
    """Start everything; it goes on running when the command has ended."""
    from deploy import screen
    from deploy.embedded.platform import Platform
    from deploy.settings import Settings, read

    settings = read(Settings)
    with screen.Screen() as steps:
        platform = Platform(settings.model_copy(update={"zipkin": True}) if traces else settings, steps)
        missing = platform.missing()
        interrupts.run(platform.start())
    screen.show_addresses(platform, "Everything is up." if missing else "It was up already.", "Stop with: i2pcc down")


@app.command()
def down(wipe: Annotated[bool, typer.Option("--wipe", help="Remove all state too.")] = False) -> None:
    """Stop everything, a demo too; its state stays for the next start."""
    from deploy.embedded.platform import Platform
    from deploy.screen import console
    from deploy.settings import Settings, read

    settings = read(Settings)
    platforms = [Platform(settings.within("demo")), Platform(settings)]
    ran = [platform.processes.names() for platform in platforms]
    with console.status("Stopping ..."):
        for platform in platforms:
            interrupts.run(platform.stop(wipe))
    told = "Everything is stopped" if any(ran) else "Nothing was running"
    typer.echo(f"{told}, and all state is removed." if wipe else f"{told}.")


@app.command()
def status(
    json: JsonFile = None,
    watch: Annotated[bool, typer.Option("--watch", help="Look again and again, until Ctrl-C.")] = False,
) -> None:
    """Show what runs, what waits and what goes through; the exit code is 1 unless all parts are ready."""
    from deploy.status.run import status as show

    if not show(_running(), json, watch):
        raise typer.Exit(1)


@app.command()
def trace(
    id: Annotated[str, typer.Argument(metavar="ID", help="of a proposal, a need, a match, or a trace")],
    json: JsonFile = None,
    limit: Annotated[int, typer.Option(min=1, help="Traces at most, the newest.")] = 10,
    statements: Annotated[bool, typer.Option("--statements", help="Show each statement in the database.")] = False,
) -> None:
    """Show what the services did about something in the last day: each step, when, for how long, and what failed."""
    from deploy.settings import Settings, read
    from deploy.traces.show import show as tell

    tell(read(Settings), id, json, most=limit, statements=statements)


@app.command()
def token(name: Annotated[str, typer.Argument(help="someone in the sample, such as an.peeters")]) -> None:
    """Print an access token of someone in the sample, good for an hour."""
    import httpx

    from deploy import people
    from deploy.signin.client import SignIn

    async def signed_in() -> str:
        async with httpx.AsyncClient(trust_env=False) as http:
            return await SignIn(_running().settings.issuer, http).token(person)

    person = people.find(name, people.load())
    typer.echo(interrupts.run(signed_in()))


@app.command()
def export(
    name: Annotated[str, typer.Argument(metavar="PERSON", help="someone in the sample, such as an.peeters")],
    json: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write it there as JSON; `-`: show it as JSON.")
    ] = None,
) -> None:
    """Show what the platform holds about someone in the sample, as the person itself may ask for it."""
    from deploy import people
    from deploy.export import collected, tell

    person = people.find(name, people.load())
    tell(interrupts.run(collected(_running(), person)), json)


@app.command()
def restart(
    services: Annotated[list[str] | None, typer.Argument(help="such as intake; all if none")] = None,
) -> None:
    """Restart services one after the other, as after a change of their code; no request fails, some wait a moment."""
    from deploy.running import known
    from deploy.screen import Screen
    from deploy.settings import SERVICES

    wanted = [known(name) for name in services or SERVICES]
    platform = _running()
    with Screen() as platform.steps:
        interrupts.run(platform.renew(wanted))


@app.command()
def rotate() -> None:
    """Make every password and the signing key anew; what ran is started again, and all have to sign in again."""
    from deploy.screen import console

    platform = _running()
    ran = platform.processes.names()

    async def renewed() -> None:
        await platform.rotate()
        if ran:
            await platform.start()

    with console.status("Making all secrets anew ..."):
        interrupts.run(renewed())
    typer.echo("Every password and the signing key are new" + (", and everything is up with them." if ran else "."))


@app.command()
def provision() -> None:
    """Bring a Kafka and a PostgreSQL elsewhere to what the manifest says (I2PCC_KAFKA_SERVERS, I2PCC_POSTGRES_URL)."""
    from deploy.provision.run import from_environment
    from deploy.settings import Provision, read
    from shared.settings import Kafka

    interrupts.run(from_environment(read(Provision), read(Kafka)))
    typer.echo("Topics, roles, schemas, Kafka's users and their rights are as the manifest says.")


@app.command()
def demo(
    once: Annotated[bool, typer.Option(help="End when the sample has been played.")] = False,
    data: Annotated[Path | None, typer.Option(help="Play this folder instead of the sample.")] = None,
    compose: Annotated[bool, typer.Option("--compose", help="Play on the Docker stack of docker-compose.yml.")] = False,
) -> None:
    """Play the sample through and show what happens."""
    from deploy.demo.play import demo as play

    play(once=once, data=data, compose=compose)


@audit.command()
def verify(
    head: Annotated[
        Path | None, typer.Option(help="Heads noted here earlier must still be in the chains; then note the new ones.")
    ] = None,
) -> None:
    """Walk each service's chain; the exit code is 1 if a row was changed, is missing, or waits too long."""
    from deploy.audit import check

    if not interrupts.run(check(_running(), head)):
        raise typer.Exit(1)


@audit.command()
def show(
    service: Annotated[str | None, typer.Option(help="Of this service alone.")] = None,
    object: Annotated[str | None, typer.Option(help="Only what was done to the object with this id.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only what this subject did.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Rows at most.")] = 20,
) -> None:
    """Show who did what, the newest last."""
    from deploy.audit import show as tell

    interrupts.run(tell(_running(), service, subject, object, limit))


@matching.command()
def train(
    json: JsonFile = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")] = False,
) -> None:
    """Fit the score to all answers; the new one is used if it is better on needs that it has not seen."""
    from deploy.learning import train as learn

    typer.echo(learn(_running(), json, dry=dry_run))


@matching.command()
def rematch() -> None:
    """Have all open needs and proposals matched anew; what was interrupted goes on when it is called again."""
    from deploy.learning import rematch as again

    typer.echo(again(_running()))


@matching.command()
def refresh() -> None:
    """Measure scores against what is open now, and match everything anew."""
    from deploy import learning

    typer.echo(learning.refresh(_running()))


for command in (replay, doctor, bench, chaos):
    app.command()(command)
app.command("eval")(evaluate)


def _running() -> "Platform":
    from deploy import running

    return running.platform()


if __name__ == "__main__":
    main()
