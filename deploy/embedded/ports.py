"""Ports that cannot be had are told before anything is started."""

from collections.abc import Collection

import psutil

from deploy.problems import Problem
from deploy.settings import LOOPBACK, SERVICES, Settings, bind, is_free, port_names

MORE = {"kafka": ("kafka", "kafka_controller"), "mailbox": ("mailbox", "mail")}
"""Parts that listen on more than one port."""


def ports_of(part: str) -> tuple[str, ...]:
    """The names of the ports that a part listens on."""
    return MORE.get(part, (part,))


def check_ports(settings: Settings, parts: Collection[str], but: Collection[int] = ()) -> None:
    """Find every port of these parts free, and no two ports of the settings alike.

    Args:
        settings: with the ports.
        parts: the parts that are to start.
        but: ports that will be free by then.

    Raises:
        Problem: with the variable to set.
    """
    _check_twins(settings)
    if not is_free(0, settings.http_host):
        raise Problem(
            f"I2PCC_HTTP_HOST={settings.http_host} is not an address of this machine.",
            "127.0.0.1 is reached from here alone, 0.0.0.0 from everywhere.",
            code=2,
        )
    for part in parts:
        host = settings.http_host if part in SERVICES else LOOPBACK
        for name in ports_of(part):
            if settings.port(name) not in but:
                _check(name, settings.port(name), host)


def _check_twins(settings: Settings) -> None:
    seen: dict[int, str] = {}
    for field in port_names():
        port, variable = getattr(settings, field), f"I2PCC_{field}".upper()
        if port in seen:
            raise Problem(f"{variable} and {seen[port]} are both {port}.", f"Choose another for {variable}.", code=2)
        seen[port] = variable


def _check(name: str, port: int, host: str) -> None:
    try:
        bind(port, host)
    except PermissionError:
        raise Problem(f"An ordinary user may not use port {port}.", f"Choose {_another(name, port)}") from None
    except OSError:
        raise Problem(
            f"Port {port} is taken by {_holder(port)}.", f"Stop it, or choose {_another(name, port)}"
        ) from None


def _another(name: str, port: int) -> str:
    other = next((other for other in range(port + 1000, 65_536) if is_free(other)), "")
    return f"another, such as I2PCC_{name.upper()}_PORT={other}, in front of the same command."


def _holder(port: int) -> str:
    """Who listens there, where one may know it."""
    try:
        holders = {found.pid for found in psutil.net_connections("tcp") if found.laddr and found.laddr.port == port}
        pid = next(filter(None, holders))
        return f"{psutil.Process(pid).name()} (process {pid})"
    except (psutil.Error, StopIteration):
        return "another program"
