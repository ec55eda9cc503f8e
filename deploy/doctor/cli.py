"""The command `i2pcc doctor`."""

import typer

from deploy import interrupts


def doctor() -> None:
    """Find what is wrong, and say what to do; the exit code is 1 if there is anything."""
    from deploy import running
    from deploy.doctor.run import examine, tell
    from deploy.screen import console

    with console.status("Looking ..."):
        found = interrupts.run(examine(running.platform()))
    tell(found)
    if found:
        raise typer.Exit(1)
