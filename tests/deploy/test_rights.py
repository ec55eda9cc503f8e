"""Kafka lets in whom the manifest names, gives them what it says, and gives nobody anything else."""

from collections.abc import Callable, Iterable, Iterator, Mapping

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from pydantic import SecretStr

from deploy.embedded.platform import Platform
from deploy.manifest import ADMIN, MAX_MESSAGE_BYTES, Topic, load
from deploy.problems import Problem
from deploy.provision import kafka as provisioning
from deploy.provision.admin import client
from shared import kafka as clients
from shared.settings import Kafka
from shared.vocabulary import Region

USERS = load().users()
REFUSED_GROUP = KafkaError.GROUP_AUTHORIZATION_FAILED
TOPICS = [topic.name for topic in load().topics]


def told(user: str, parties: Iterable[str]) -> bool:
    """Whether a line of the manifest, such as [notify, "partners of hebei"], means a user."""
    regions = load().partners.get(user, ())
    return user in parties or any(f"partners of {region}" in parties for region in regions)


def named(user: str, parties: Callable[[Topic], Iterable[str]]) -> set[str]:
    return {topic.name for topic in load().topics if told(user, parties(topic))}


def readable(kafka: Kafka, topics: Iterable[str] = TOPICS) -> set[str]:
    """The topics that let the user read: who asks for what is not there yet hears so only if it may read."""
    consumer = Consumer({**client(kafka), "group.id": kafka.user, "auto.offset.reset": "error"})
    errors = {topic: consumer.list_topics(topic, timeout=30).topics[topic].error for topic in topics}
    codes = {topic: error.code() for topic, error in errors.items() if error}
    consumer.assign([TopicPartition(topic, 0, 1_000_000_000) for topic in topics if topic not in codes])
    while codes.keys() < errors.keys():
        message = consumer.poll(30)
        assert message, "no answer"
        codes[message.topic()] = message.error().code()
    consumer.close()
    return allowed(codes, KafkaError._AUTO_OFFSET_RESET)


def writable(kafka: Kafka, topics: Iterable[str] = TOPICS) -> set[str]:
    """The topics that let the user write: a record that is too large is refused as such only to who may write."""
    producer = Producer({**client(kafka), "message.max.bytes": 3 * MAX_MESSAGE_BYTES})
    codes: dict[str, int] = {}

    def note(error: KafkaError, message: Message) -> None:
        codes[message.topic()] = error.code()

    for topic in topics:
        try:
            producer.produce(topic, bytes(MAX_MESSAGE_BYTES + 1), on_delivery=note)
        except KafkaException as error:  # the client knows of the refusal already, from an earlier topic's metadata
            codes[topic] = error.args[0].code()
    assert producer.flush(60) == 0, "no answer"
    return allowed(codes, KafkaError.MSG_SIZE_TOO_LARGE)


def allowed(codes: dict[str, int], answer: int) -> set[str]:
    assert set(codes.values()) <= {answer, KafkaError.TOPIC_AUTHORIZATION_FAILED}
    return {topic for topic, code in codes.items() if code == answer}


def groups(kafka: Kafka, names: Iterable[str]) -> set[str]:
    """The consumer groups that the user may read in: who may not does not hear whether there is one either."""
    admin = AdminClient(client(kafka))
    errors = {name: asked.exception() for name, asked in admin.describe_consumer_groups(list(names)).items()}
    return {name for name, error in errors.items() if not (error and error.args[0].code() == REFUSED_GROUP)}


@pytest.fixture
def guest(platform: Platform) -> Iterator[Callable[..., Kafka]]:
    """Provisions again with one partner more: its regions and its password."""

    def provisioned(regions: Iterable[Region], password: str = "first") -> Kafka:
        provision(platform, platform.manifest.partners | {"guest": tuple(regions)}, guest=password)
        servers = platform.settings.kafka_servers
        return Kafka(servers=servers, user="guest", password=SecretStr(password))

    yield provisioned
    provision(platform, platform.manifest.partners)


def provision(platform: Platform, partners: Mapping[str, Iterable[Region]], **passwords: str) -> None:
    manifest = platform.manifest.model_copy(update={"partners": partners})
    provisioning.provision(platform.kafka(ADMIN), manifest, platform.secrets.kafka_passwords | passwords)


@pytest.mark.parametrize("user", USERS)
def test_a_user_reads_and_writes_what_the_manifest_says_and_nothing_else(platform: Platform, user: str) -> None:
    kafka = platform.kafka(user)
    assert readable(kafka) == named(user, lambda topic: topic.readers)
    assert writable(kafka) == named(user, lambda topic: topic.writers)


def test_names_and_addresses_are_read_by_notify_alone(platform: Platform) -> None:
    personal = [topic.name for topic in load().topics if topic.personal]
    assert personal
    assert [user for user in USERS if readable(platform.kafka(user), personal)] == ["notify"]


@pytest.mark.parametrize("region", Region)
def test_a_partner_reads_its_regions_matches_alone_and_writes_nothing(platform: Platform, region: Region) -> None:
    (partner,) = [name for name, regions in load().partners.items() if regions == (region,)]
    assert readable(platform.kafka(partner)) == {f"i2pcc.matches.{region}.v1"}
    assert writable(platform.kafka(partner)) == set()


@pytest.mark.parametrize("user", USERS)
def test_a_user_reads_in_its_own_groups_alone(platform: Platform, user: str) -> None:
    instances = [f"{user}-instance-2" for user in USERS]
    found = groups(platform.kafka(user), [*USERS, *instances])
    assert found == ({user, f"{user}-instance-2"} if user in load().partners else {user})


def test_a_user_without_rights_reads_and_writes_nothing(guest: Callable[..., Kafka]) -> None:
    kafka = guest([])
    assert readable(kafka) == writable(kafka) == set()


def test_a_right_that_the_manifest_lost_is_gone(guest: Callable[..., Kafka]) -> None:
    assert readable(guest([Region.HEBEI, Region.SHAANXI])) == {"i2pcc.matches.hebei.v1", "i2pcc.matches.shaanxi.v1"}
    assert readable(guest([Region.SHAANXI])) == {"i2pcc.matches.shaanxi.v1"}


async def test_a_new_password_counts_and_the_old_one_no_longer(guest: Callable[..., Kafka]) -> None:
    old, new = guest([]), guest([], "second")
    assert await comes_in(new)
    assert not await comes_in(old)


@pytest.mark.parametrize("user", [*USERS, ADMIN])
async def test_a_wrong_password_is_refused(platform: Platform, user: str) -> None:
    assert await comes_in(platform.kafka(user))
    assert not await comes_in(wrong(platform.kafka(user)))


async def test_who_has_no_name_is_refused(platform: Platform) -> None:
    with pytest.raises(KafkaConnectionError):
        await _start(AIOKafkaProducer(bootstrap_servers=platform.settings.kafka_servers))


async def test_the_admins_way_in_is_no_services(platform: Platform) -> None:
    assert not await comes_in(platform.kafka("intake").model_copy(update={"mechanism": "PLAIN"}))


def test_a_service_administers_nothing(platform: Platform) -> None:
    with pytest.raises(Problem, match="does not let intake administer it"):
        provisioning.provision(platform.kafka("intake"), platform.manifest, platform.secrets.kafka_passwords)
    admin = AdminClient(client(platform.kafka("intake")))
    (made,) = admin.create_topics([NewTopic("mine", 1, 1)]).values()
    with pytest.raises(KafkaException, match="TOPIC_AUTHORIZATION_FAILED"):
        made.result()


def test_a_wrong_password_of_the_admin_is_told(platform: Platform) -> None:
    with pytest.raises(Problem, match="refuses the password of admin"):
        provisioning.provision(wrong(platform.kafka(ADMIN)), platform.manifest, platform.secrets.kafka_passwords)


def test_files_that_hold_passwords_are_their_owners_alone(platform: Platform) -> None:
    state = platform.settings.state
    for file in (*(state / "secrets").iterdir(), state / "kafka" / "server.properties"):
        assert file.stat().st_mode & 0o077 == 0, file


def wrong(kafka: Kafka) -> Kafka:
    return kafka.model_copy(update={"password": SecretStr("guessed")})


async def comes_in(kafka: Kafka) -> bool:
    try:
        await _start(AIOKafkaProducer(**clients.client(kafka)))
    except KafkaConnectionError:
        return False
    return True


async def _start(producer: AIOKafkaProducer) -> None:
    try:
        await producer.start()
    finally:
        await producer.stop()
