"""Who may use regions' routes, where several roles may."""

from typing import Annotated

from fastapi import Depends

from shared.auth import Caller, Coordinator, CurrentCaller
from shared.problems import Problem
from shared.vocabulary import NETWORK, Role


async def _insider(caller: CurrentCaller) -> Caller:
    if caller.role is Role.PARTNER or (caller.role is Role.COORDINATOR and not caller.provinces):
        raise Problem(403, "Not allowed", "Only a company, a region, a coordinator or an operator may do this.")
    return caller


async def _network(caller: Coordinator) -> Caller:
    if caller.organisation not in NETWORK:
        raise Problem(403, "Not allowed", "Only a coordinator of Cleantech Flanders or FIT may do this.")
    return caller


Insider = Annotated[Caller, Depends(_insider)]
"""Everybody but partner systems, and coordinators of no organisation that is known."""
NetworkCoordinator = Annotated[Caller, Depends(_network)]
