"""The command `i2pcc replay`."""

import time
from typing import Annotated

import typer

from deploy import interrupts


def replay(
    service: Annotated[str, typer.Argument(help="regions, matching or notify")],
    subject: Annotated[str | None, typer.Option("--as", help="Who does it, for the audit log.")] = None,
    partly: Annotated[bool, typer.Option("--partly", help="Even if a topic no longer has all that was said.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would change.")] = False,
) -> None:
    """Make a service's copies of what others say anew, from the topics; everything goes on meanwhile."""
    from deploy import running
    from deploy.replay.command import replay as again
    from deploy.replay.command import tell
    from deploy.screen import console

    began, who = time.monotonic(), running.operator(subject)
    with console.status(f"Reading the topics of {service} ..."):
        report = interrupts.run(again(running.platform(), service, who, partly=partly, dry=dry_run))
    tell(service, report, began, dry=dry_run)
