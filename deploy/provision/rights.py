"""Who may come into Kafka, and who may write and read which topic there: what the manifest says, and nothing else."""

from collections.abc import Iterator, Mapping

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from deploy.manifest import Manifest
from deploy.provision.admin import in_force

SCRAM = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
"""The iterations are the fewest that Kafka takes: these passwords are random, and nobody tries them all."""
EVERYTHING = AclBindingFilter(
    ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
)


def keep_users(admin: AdminClient, passwords: Mapping[str, str]) -> None:
    """Let each user in with this password, and with no earlier one. Who was a user before is left without rights."""
    users = [UserScramCredentialUpsertion(user, SCRAM, word.encode()) for user, word in passwords.items()]
    for done in admin.alter_user_scram_credentials(users).values():
        done.result()


def provision(admin: AdminClient, manifest: Manifest) -> None:
    """Give the rights that are missing, take all others away, and wait until that is in force."""
    wanted, held = set(rights(manifest)), _held(admin)
    if missing := wanted - held:
        for given in admin.create_acls(list(missing)).values():
            given.result()
    if others := held - wanted:
        for taken in admin.delete_acls(list(map(_just, others))).values():
            taken.result()
    in_force("rights", lambda: _held(admin) == wanted)


def rights(manifest: Manifest) -> Iterator[AclBinding]:
    """What users may do: their topics, and their consumer groups."""
    for topic in manifest.topics:
        for user in topic.writers:
            yield from _may(user, ResourceType.TOPIC, topic.name, AclOperation.WRITE, AclOperation.DESCRIBE)
        for user in manifest.readers(topic):
            yield from _may(user, ResourceType.TOPIC, topic.name, AclOperation.READ, AclOperation.DESCRIBE)
    for service in manifest.services:
        yield from _may(service, ResourceType.GROUP, service, AclOperation.READ)
    for partner in manifest.partners:
        yield from _may(partner, ResourceType.GROUP, partner, AclOperation.READ, pattern=ResourcePatternType.PREFIXED)


def _may(
    user: str,
    kind: ResourceType,
    name: str,
    *operations: AclOperation,
    pattern: ResourcePatternType = ResourcePatternType.LITERAL,
) -> Iterator[AclBinding]:
    for operation in operations:
        yield AclBinding(kind, name, pattern, f"User:{user}", "*", operation, AclPermissionType.ALLOW)


def _held(admin: AdminClient) -> set[AclBinding]:
    return set(admin.describe_acls(EVERYTHING).result())


def _just(right: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        right.restype,
        right.name,
        right.resource_pattern_type,
        right.principal,
        right.host,
        right.operation,
        right.permission_type,
    )
