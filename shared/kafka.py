"""How a process comes into Kafka: always as somebody, with a password."""

import ssl
from typing import Any

from aiokafka.errors import KafkaConnectionError, KafkaError
from faststream.kafka.security import parse_security
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram512

from shared.settings import Kafka

SECURITY: dict[str, type[SASLPlaintext | SASLScram512]] = {"PLAIN": SASLPlaintext, "SCRAM-SHA-512": SASLScram512}


def security(kafka: Kafka) -> BaseSecurity:
    """The user, as FastStream's broker is told of it. With SASL_SSL the broker must show a certificate we trust."""
    context = ssl.create_default_context() if kafka.protocol == "SASL_SSL" else None
    return SECURITY[kafka.mechanism](kafka.user, kafka.secret, ssl_context=context)


def client(kafka: Kafka) -> dict[str, Any]:
    """The broker and the user, as aiokafka's clients are told of them."""
    return {"bootstrap_servers": kafka.servers, **parse_security(security(kafka))}


def explain(kafka: Kafka, error: BaseException) -> str:
    """What failed. aiokafka says the same of a broker that is away and of a password that is refused.

    A Kafka error's text names topics and groups alone; of another only the kind is told, the text may be personal.
    """
    if isinstance(error, KafkaConnectionError):
        return f"Kafka at {kafka.servers} is away, or refuses the password of {kafka.user}"
    return str(error) if isinstance(error, KafkaError) else type(error).__name__
