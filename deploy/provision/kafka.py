"""The Kafka users, their rights and the topics, made by the admin."""

from collections.abc import Mapping

from deploy.manifest import Manifest
from deploy.provision import rights, topics
from deploy.provision.admin import administering
from shared.settings import Kafka


def provision(kafka: Kafka, manifest: Manifest, passwords: Mapping[str, str], replication: int = 1) -> None:
    """Bring the broker to what the manifest says.

    Args:
        kafka: the broker, and the admin there.
        manifest: the users, their rights and the topics.
        passwords: of every user of the manifest.
        replication: copies of each topic.

    Raises:
        Problem: the broker can't be reached, or refuses the admin or what it asks.
    """
    with administering(kafka) as admin:
        rights.keep_users(admin, {user: passwords[user] for user in manifest.users()})
        topics.provision(admin, manifest.topics, replication)
        rights.provision(admin, manifest)
