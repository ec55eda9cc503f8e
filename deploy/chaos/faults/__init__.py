"""The faults, by name, in the order in which they are made. Each goes on for about so many seconds while load runs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from deploy.chaos.faults import (
    clocks,
    crashes,
    disks,
    halts,
    instances,
    network,
    outages,
    records,
    rolling,
    transactions,
)
from deploy.chaos.scene import Scene


@dataclass(frozen=True)
class Fault:
    """A fault; it leaves every part running, and raises a Problem if it could not be made."""

    number: int
    name: str
    about: str
    make: Callable[[Scene, float], Awaitable[None]]
    seconds: float = 30
    """How long it goes on, if not told otherwise."""


FAULTS = (
    Fault(1, "services", "kill -9 of a random service every few seconds", crashes.services),
    Fault(2, "failpoints", "death between publish and delete, and between commit and ack", crashes.failpoints),
    Fault(3, "stopped-relay", "SIGSTOP of a relay until another owns its outbox, then SIGCONT", halts.relay),
    Fault(4, "stopped-consumer", "SIGSTOP of a consumer past its session, then SIGCONT", halts.consumer, 45),
    Fault(5, "kafka", "kill -9 of Kafka, back after 2 s and, if there is time, after 60 s", crashes.kafka, 90),
    Fault(6, "postgres", "kill -9 of PostgreSQL", crashes.postgres),
    Fault(7, "kafka-away", "Kafka away for minutes: only the outbox grows, and is soon empty again", outages.away, 120),
    Fault(8, "instances", "a second instance of each service joins and leaves", instances.come_and_go, 60),
    Fault(9, "duplicates", "one in ten messages published again, neighbours of a key swapped", records.duplicates),
    Fault(10, "poison", "poison of four kinds among good messages", records.poison),
    Fault(11, "slow-consumer", "a consumer that is let run a tenth of the time", halts.slow),
    Fault(12, "network", "latency, resets and time-outs on the way to Kafka and PostgreSQL", network.troubled, 60),
    Fault(13, "clock", "one service's clock an hour off", clocks.hour_off),
    Fault(14, "full-disk", "a full disk under Kafka, then under PostgreSQL", disks.full),
    Fault(15, "rolling-restart", "SIGTERM for one service after the other: no request fails", rolling.restart),
    Fault(16, "long-transaction", "a transaction held open", transactions.held_open, 120),
)
