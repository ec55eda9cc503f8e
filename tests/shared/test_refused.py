"""A service that Kafka refuses says so, and says what may be wrong; it goes on trying."""

import asyncio
import gc
from dataclasses import replace
from functools import partial
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from deploy.embedded.platform import Platform
from deploy.event_examples import example
from deploy.manifest import ADMIN
from deploy.provision.kafka import provision
from deploy.waiting import beside, until
from shared.bus import Consumer, Handlers
from shared.db import Db
from shared.events import NeedClosed, NeedPosted
from tests.shared.running import consuming, publish
from tests.shared.trial import Trial, act, message

needs = Handlers()
needs.react(NeedPosted)(act)


@pytest.fixture
def refused(trial: Trial) -> Trial:
    """The same with a wrong password."""
    return replace(trial, kafka=trial.kafka.model_copy(update={"password": SecretStr("guessed")}))


async def test_a_relay_with_a_wrong_password_says_so(refused: Trial, caplog: pytest.LogCaptureFixture) -> None:
    async with beside(refused.relay().run()):
        assert await said(caplog, f"relay of {refused.service} begins again: {away(refused)}")


async def test_a_consumer_with_a_wrong_password_says_so(refused: Trial, caplog: pytest.LogCaptureFixture) -> None:
    async with beside(refused.consumer().run()):
        assert await said(caplog, f"{refused.service} waits for Kafka: {away(refused)}")
    gc.collect()  # what a start that failed left open would say so here


async def test_a_consumer_that_may_not_read_a_topic_says_so(
    platform: Platform, trial: Trial, caplog: pytest.LogCaptureFixture
) -> None:
    async with beside(replace(trial, kafka=platform.kafka("portal")).consumer().run()):
        assert await said(caplog, f"{trial.service} waits for Kafka: [Error 29] TopicAuthorizationFailedError")


async def test_a_consumer_that_may_not_read_in_its_group_says_so(
    platform: Platform, trial: Trial, caplog: pytest.LogCaptureFixture
) -> None:
    async with beside(Consumer(trial.service, needs, trial.sessions, platform.kafka("portal")).run()):
        assert await said(caplog, f"{trial.service} waits for Kafka: [Error 30] GroupAuthorizationFailedError")


async def test_a_consumer_that_loses_a_right_says_so_and_reads_on_once_it_has_it_again(
    platform: Platform, trial: Trial, caplog: pytest.LogCaptureFixture
) -> None:
    admin, manifest, passwords = platform.kafka(ADMIN), platform.manifest, platform.secrets.kafka_passwords
    topics = [each.model_copy(update={"readers": {*each.readers} - {"portal"}}) for each in manifest.topics]
    heard: set[UUID] = set()
    told = example(NeedClosed)

    async def hear(event: NeedClosed, _: Db) -> None:
        heard.add(event.envelope.id)

    async def hears(event_id: UUID) -> bool:
        return event_id in heard

    listening = Handlers()
    listening.react(NeedClosed)(hear)
    async with consuming(Consumer("portal", listening, trial.sessions, platform.kafka("portal"))):
        await asyncio.to_thread(provision, admin, manifest.model_copy(update={"topics": topics}), passwords)
        try:
            assert await said(caplog, "group portal cannot read: [Error 29] TopicAuthorizationFailedError")
        finally:
            await asyncio.to_thread(provision, admin, manifest, passwords)
        sent = uuid4()
        await publish(trial, message(NeedClosed.model_validate(told), sent))
        assert await until(partial(hears, sent), 10), "it comes back to one partition in five seconds"


def away(trial: Trial) -> str:
    return f"Kafka at {trial.kafka.servers} is away, or refuses the password of admin"


async def said(caplog: pytest.LogCaptureFixture, text: str) -> bool:
    async def seen() -> bool:
        return any(text in message for message in caplog.messages)

    return await until(seen, 30)
