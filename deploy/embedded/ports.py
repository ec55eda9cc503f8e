"""Ports that are taken are told before anything is started."""

from collections.abc import Collection

from deploy.problems import Problem
from deploy.settings import Settings, is_free

MORE = {"kafka": ("kafka", "kafka_controller"), "mailbox": ("mailbox", "mail")}
"""Parts that listen on more than one port."""


def check_ports(settings: Settings, parts: Collection[str]) -> None:
    """Find every port free, and no two alike.

    Raises:
        Problem: with the variable to set.
    """
    names = [name for part in parts for name in MORE.get(part, (part,))]
    seen: dict[int, str] = {}
    for name in names:
        port, variable = settings.port(name), f"I2PCC_{name.upper()}_PORT"
        if port in seen:
            raise Problem(f"{variable} and {seen[port]} are both {port}.", f"Choose another for {variable}.", code=2)
        seen[port] = variable
        if not is_free(port, settings.http_host):
            raise Problem(
                f"Port {port} is taken by another program.",
                f"Stop it, or choose another: {variable}={_another(port)} make demo",
            )


def _another(port: int) -> int:
    """A free port nearby, to name in the advice."""
    return next((other for other in range(port + 1000, 65_536) if is_free(other)), port)
