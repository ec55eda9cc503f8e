"""Kafka's admin: comes in, and is told clearly what went wrong."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from deploy.problems import Problem
from shared.settings import Kafka

PATIENCE = 10.0
"""Seconds until the broker has answered for the first time, and until what was changed is in force."""

NOT_ALLOWED = (KafkaError.CLUSTER_AUTHORIZATION_FAILED, KafkaError.TOPIC_AUTHORIZATION_FAILED)


@contextmanager
def administering(kafka: Kafka) -> Iterator[AdminClient]:
    """A connection as the admin.

    Raises:
        Problem: the broker can't be reached, or refuses the admin or what it asks.
    """
    errors: list[KafkaError] = []
    admin = AdminClient({**client(kafka), "client.id": "i2pcc-provision", "error_cb": errors.append})
    try:
        _come_in(admin, kafka, errors)
        yield admin
    except KafkaException as error:
        reason = error.args[0]
        if reason.code() in NOT_ALLOWED:
            raise Problem(f"Kafka at {kafka.servers} does not let {kafka.user} administer it.") from error
        raise Problem(f"Kafka at {kafka.servers} did not do what it was asked to: {reason.str()}") from error


def client(kafka: Kafka) -> dict[str, Any]:
    """The broker and the user, as confluent-kafka's clients are told of them; they keep off the terminal."""
    return {
        "bootstrap.servers": kafka.servers,
        "security.protocol": kafka.protocol,
        "sasl.mechanism": kafka.mechanism,
        "sasl.username": kafka.user,
        "sasl.password": kafka.secret,
        "log_level": 0,
    }


def _come_in(admin: AdminClient, kafka: Kafka, errors: Sequence[KafkaError]) -> None:
    """The library goes on trying whatever the matter is, and tells it beside its calls alone."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            admin.list_topics(timeout=0.5)
            return
        except KafkaException:
            admin.poll(0)
            if any(error.code() == KafkaError._AUTHENTICATION for error in errors):
                raise Problem(
                    f"Kafka at {kafka.servers} refuses the password of {kafka.user}.",
                    "The broker and the password do not belong together: restore one of the two.",
                ) from None
            if time.monotonic() > deadline:
                raise


def in_force(what: str, condition: Callable[[], bool]) -> None:
    """Wait until the broker has learnt what its controller has been told.

    Raises:
        Problem: it did not in time.
    """
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise Problem(f"Kafka did not put its {what} into force within {PATIENCE:.0f} seconds.")
        time.sleep(0.02)
