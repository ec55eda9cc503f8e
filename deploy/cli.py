"""The i2pcc command. What a command needs is imported when it runs, so that help and mistakes answer at once."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy import interrupts
from deploy.problems import Problem, disk

if TYPE_CHECKING:
    from deploy.embedded.platform import Platform
    from deploy.screen import Screen

app = typer.Typer(
    help="Matchmaking between Flemish cleantech companies and Chinese regions, on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
audit = typer.Typer(help="Read and check the audit log: who did what to which objects.", no_args_is_help=True)
app.add_typer(audit, name="audit")


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
def up() -> None:
    """Start everything; it goes on running when the command has ended."""
    from deploy import screen

    with screen.Screen() as steps:
        platform = _platform(steps)
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
def status() -> None:
    """Show what runs; the exit code is 1 unless all of it is ready."""
    from deploy import screen

    if not interrupts.run(screen.show_status(_platform().as_it_runs())):
        raise typer.Exit(1)


@app.command()
def token(name: Annotated[str, typer.Argument(help="someone in the sample, such as an.peeters")]) -> None:
    """Print an access token of someone in the sample, good for an hour."""
    import httpx

    from deploy import people
    from deploy.signin.client import SignIn

    async def signed_in() -> str:
        async with httpx.AsyncClient(trust_env=False) as http:
            return await SignIn(_platform().as_it_runs().settings.issuer, http).token(person)

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
    tell(interrupts.run(collected(_platform().as_it_runs(), person)), json)


@app.command()
def rotate() -> None:
    """Make every password and the signing key anew; what ran is started again, and all have to sign in again."""
    from deploy.screen import console

    platform = _platform().as_it_runs()
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


@app.command()
def bench(
    names: Annotated[list[str] | None, typer.Argument(help="relay, consume, intake, e2e, start; all if none")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file too.")] = None,
) -> None:
    """Measure the platform beside its peers, on servers of its own."""
    from deploy.bench.run import bench as measure

    measure(names or [], json)


@audit.command()
def verify(
    head: Annotated[
        Path | None, typer.Option(help="Heads noted here earlier must still be in the chains; then note the new ones.")
    ] = None,
) -> None:
    """Walk each service's chain; the exit code is 1 if a row was changed, is missing, or waits too long."""
    from deploy.audit import check

    if not interrupts.run(check(_platform().as_it_runs(), head)):
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

    interrupts.run(tell(_platform().as_it_runs(), service, subject, object, limit))


def _platform(steps: "Screen | None" = None) -> "Platform":
    from deploy.embedded.platform import Platform
    from deploy.settings import Settings, read

    return Platform(read(Settings), steps)


if __name__ == "__main__":
    main()
