"""What is read as it is asked for, and what the plumbing counts."""

import asyncio
from uuid import uuid4

import httpx
import pytest
from prometheus_client import REGISTRY
from starlette.types import Receive, Scope, Send

from deploy.settings import free_ports
from deploy.waiting import beside, until
from shared.db import Db, connect, sessions
from shared.figures import Figures
from shared.metrics import Measured
from shared.outbox import emit
from shared.settings import Database
from tests.scrape import Scrape
from tests.shared.running import becomes, change, consuming, publish, say
from tests.shared.trial import NoteTaken, Trial, act, handlers, message, note


async def told(figures: Figures) -> Scrape:
    """What is read now."""
    figures._read_at = 0
    return Scrape(await figures.read())


def counted() -> Scrape:
    """What this process has counted."""
    return Scrape(REGISTRY.collect())


async def test_the_outbox_is_told_by_state_and_age(trial: Trial) -> None:
    figures = Figures(trial.sessions, trial.relay(), None)
    assert (await told(figures))("i2pcc_outbox_oldest_seconds") == 0
    await say(trial, note(), note(), note())
    async with trial.sessions() as db, db.begin():
        emit(db, note(), wait=3_600)
    await change(trial, "update outbox set created_at = now() - interval '90 seconds' where not_before is null")
    await change(trial, "update outbox set error = 'TopicAuthorizationFailedError' where id = 1")
    found = await told(figures)
    states = {state: found("i2pcc_outbox_rows", state=state) for state in found.values("i2pcc_outbox_rows", "state")}
    assert states == {"due": 2, "waiting": 1, "parked": 1}
    assert 90 <= found("i2pcc_outbox_oldest_seconds") < 150
    assert found("i2pcc_relay_owner") == 0


async def test_dead_letters_are_told_by_topic_and_by_who_is_to_act(trial: Trial) -> None:
    async def fail(event: NoteTaken, db: Db) -> None:
        raise RuntimeError("a bug")

    consumer = trial.consumer(handlers(fail))
    figures = Figures(trial.sessions, trial.relay(), consumer)
    topic = trial.topics[0]
    assert (await told(figures)).values("i2pcc_dead_letters", "topic") == {topic}
    good = message(note())
    unreadable = message(note()).with_header("ce_type", b"Nothing")
    await consumer.apply([good.record(0), unreadable.record(1), unreadable.record(2)])
    found = await told(figures)
    assert found("i2pcc_dead_letters", topic=topic, state="retrying") == 1
    assert found("i2pcc_dead_letters", topic=topic, state="left") == 2


async def test_lag_counts_what_is_being_applied(trial: Trial) -> None:
    go_on = asyncio.Event()

    async def linger(event: NoteTaken, db: Db) -> None:
        await go_on.wait()

    consumer = trial.consumer(handlers(linger), batch=2)
    figures = Figures(trial.sessions, trial.relay(), consumer)

    async def lags(number: int) -> bool:
        found = await told(figures)
        return found("i2pcc_consumer_lag", topic=trial.topics[0], partition="0") == number

    async with consuming(consumer):
        await publish(trial, *(message(note()) for _ in range(5)))
        assert await until(lambda: lags(5), 30)
        go_on.set()
        assert await until(lambda: lags(0), 30)
        assert (await told(figures)).values("i2pcc_consumer_lag", "partition") == {"0", "1", "2"}


async def test_figures_are_not_read_again_at_once(trial: Trial) -> None:
    figures = Figures(trial.sessions, trial.relay(), None)
    first = Scrape(await figures.read())
    await say(trial, note())
    again = Scrape(await figures.read())
    assert first("i2pcc_outbox_rows") == again("i2pcc_outbox_rows") == 0
    assert (await told(figures))("i2pcc_outbox_rows") == 1


async def test_without_a_database_the_rest_is_told(trial: Trial) -> None:
    (port,) = free_ports(1)
    engine = connect(Database(url=f"postgresql://nobody@127.0.0.1:{port}/nothing"), "trial")
    figures = Figures(sessions(engine), trial.relay(), trial.consumer())
    found = await told(figures)
    assert found("i2pcc_database_up") == 0
    assert {"i2pcc_database_up", "i2pcc_relay_owner"} <= found.names
    assert "i2pcc_outbox_rows" not in found.names
    await engine.dispose()


async def test_what_comes_twice_is_counted_as_such(trial: Trial) -> None:
    before, again = counted(), message(note())
    consumer = trial.consumer(handlers(act))
    await consumer.apply([again.record(0), again.record(1), message(note()).record(2)])
    await consumer.apply([again.record(3)])
    after = counted()
    assert (
        after("i2pcc_inbox_duplicates_total", type="NoteTaken")
        - before("i2pcc_inbox_duplicates_total", type="NoteTaken")
        == 2
    )
    assert (
        after("i2pcc_events_consumed_total", type="NoteTaken") - before("i2pcc_events_consumed_total", type="NoteTaken")
        == 4
    )


async def test_what_is_rolled_back_is_not_counted(trial: Trial) -> None:
    async def fail(event: NoteTaken, db: Db) -> None:
        raise RuntimeError("a bug")

    before = counted()
    await trial.consumer(handlers(fail)).apply([message(note()).record(0)])
    assert counted()("i2pcc_events_consumed_total") == before("i2pcc_events_consumed_total")


async def test_events_are_counted_as_published_by_topic_and_type(trial: Trial) -> None:
    relay = trial.relay()
    figures = Figures(trial.sessions, relay, None)
    await say(trial, *(note() for _ in range(7)))
    async with beside(relay.run()):
        assert await becomes(trial, "select count(*) from outbox", 0)

        async def are_counted() -> bool:
            return counted()("i2pcc_events_published_total", topic=trial.topics[0], type="NoteTaken") == 7

        assert await until(are_counted, 10)
        assert (await told(figures))("i2pcc_relay_owner") == 1


async def test_an_application_that_breaks_off_is_counted_as_our_fault() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("no answer")

    before = counted()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(Measured(broken)), base_url="http://trial") as http:
        with pytest.raises(RuntimeError, match="no answer"):
            await http.get(f"/{uuid4()}")
    name, labels = "i2pcc_http_request_duration_seconds_count", {"route": "other", "status": "5xx"}
    assert counted()(name, **labels) - before(name, **labels) == 1
