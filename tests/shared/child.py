"""A trial's relay or consumer in a process of its own, for tests that stop or kill it."""

import asyncio
import json
import os
import sys
from collections.abc import Iterable
from typing import Any

from aiokafka import ConsumerRecord

from deploy.embedded.processes import Program
from shared.bus import Consumer
from shared.db import connect, sessions
from shared.events import CATALOG
from shared.settings import Database, Kafka
from tests.shared.trial import EVENTS, NoteFacts, Trial, handlers


class Unacknowledged(Consumer):
    """Commits what it applies, says so, and never gets to acknowledge it."""

    async def apply(self, records: Iterable[ConsumerRecord]) -> None:
        """Stay between the commit and its acknowledgement."""
        await super().apply(records)
        print("committed", flush=True)
        await asyncio.Event().wait()


def program(kind: str, trial: Trial) -> Program:
    """How to run one: a `relay` or a `consumer`."""
    told = {"service": trial.service, "url": trial.url, "topics": trial.topics}
    kafka = {f"I2PCC_KAFKA_{name}".upper(): str(value) for name, value in trial.kafka if value is not None}
    kafka["I2PCC_KAFKA_PASSWORD"] = trial.kafka.secret
    command = (sys.executable, "-m", "tests.shared.child", kind)
    return Program(kind, command, port=0, environment={"TRIAL": json.dumps(told), **kafka})


async def main(kind: str, told: dict[str, Any]) -> None:
    """Run for ever."""
    made = sessions(connect(Database(url=told["url"]), "trial"))
    trial = Trial(**told, kafka=Kafka(), sessions=made, onlooker=made)
    NoteFacts.topic = trial.topics[0]
    CATALOG.update(EVENTS)
    if kind == "relay":
        await trial.relay().run()
    else:
        await Unacknowledged(trial.service, handlers(), made, trial.kafka).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(os.environ["TRIAL"])))
