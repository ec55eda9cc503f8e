"""Whatever is on a topic, reading it gives an event or says why not, and the reason quotes nothing of it."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from deploy.event_examples import example
from shared.bus import decode
from shared.deadletters import Invalid
from shared.events import CATALOG, Event
from tests.facts import received
from tests.shared.trial import Message, message

MARK = "geheim"
"""Is in every text that is made here, and in no name of ours."""
fuzz = settings(
    max_examples=100, derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

texts = some.text(max_size=20).map(MARK.__add__)
bytes_ = some.binary(max_size=50).map(MARK.encode().__add__)
leaves = (
    some.none()
    | some.booleans()
    | texts
    | some.floats()
    | some.integers()
    | some.sampled_from([10**4_000, -(10**4_000), 2**63, 1e308, "", "\x00", "\ud800", MARK * 2_000])
)
values = leaves | some.lists(leaves, max_size=2) | some.dictionaries(texts, leaves, max_size=2)
bombs = some.tuples(some.sampled_from(["[", '{"x":', '[{"x":']), some.sampled_from([100, 20_000])).map(
    lambda bomb: bomb[0] * bomb[1]
)


def loose(value: object) -> bytes:
    """JSON as some producers write it: NaN, lone surrogates, numbers of any length."""
    return json.dumps(value).encode()


@some.composite
def bodies(draw: some.DrawFn, sound: dict[str, Any]) -> bytes | None:
    """A value that may be a sound one spoilt in one place, or anything."""
    text = loose(sound)
    name = draw(some.sampled_from([*sound, MARK]))
    spoilt = [
        some.none(),
        bytes_,
        values.map(loose),
        some.integers(0, len(text)).map(lambda end: text[:end]),
        values.map(lambda value: loose(sound | {name: value})),
        some.just(loose({field: value for field, value in sound.items() if field != name})),
        bombs.map(lambda bomb: text[:-1] + f',"{name}":{bomb}'.encode()),
        some.just(text),
    ]
    return draw(some.one_of(spoilt))


@some.composite
def records(draw: some.DrawFn, sound: Message, body: dict[str, Any]) -> Message:
    """A sound record, spoilt in one place."""
    match draw(some.sampled_from(["value", "value", "value", "headers", "headers", "key", "topic"])):
        case "value":
            return replace(sound, value=draw(bodies(body)))
        case "key":
            return replace(sound, key=draw(some.none() | bytes_))
        case "topic":
            return replace(sound, topic=draw(some.sampled_from(sorted({each.topic for each in CATALOG.values()}))))
        case _:
            name = draw(some.sampled_from([*dict(sound.headers), "traceparent", MARK]))
            value = some.none() | bytes_ | some.sampled_from([b"", b"\xff", b"\x00", MARK.encode() * 1_000])
            missing = tuple(header for header in sound.headers if header[0] != name)
            return replace(
                sound, headers=missing + draw(some.just(()) | some.tuples(some.tuples(some.just(name), value)))
            )


def decoded(record: Message) -> Event | str:
    """The event, or why it is none."""
    try:
        return decode(record.record(0))
    except Invalid as invalid:
        return str(invalid)


@pytest.mark.parametrize("kind", CATALOG.values(), ids=CATALOG)
def test_a_record_is_an_event_or_invalid_and_the_reason_quotes_nothing_of_it(kind: type[Event]) -> None:
    body = example(kind) or {"version": 1}
    sound = message(received(kind, **{kind.key: body.get(kind.key, UUID(int=7))}))

    @fuzz
    @given(records(sound, body))
    def read(record: Message) -> None:
        outcome = decoded(record)
        if isinstance(outcome, Event):
            assert type(outcome) is kind
            assert outcome.envelope.topic in outcome.topics()
        else:
            assert 0 < len(outcome) < 1_000
            assert MARK not in outcome

    read()
