"""Recorded classes speed up later starts, and are given up where recording takes too long."""

import os
import time
from pathlib import Path

import pytest

from deploy.embedded.kafka import Kafka
from deploy.settings import Settings


@pytest.fixture
def kafka(tmp_path: Path) -> Kafka:
    made = Kafka(Settings.for_tests(tmp_path))
    made.data.mkdir(parents=True)
    (made.data / "cleaner-offset-checkpoint").touch()
    return made


def options(kafka: Kafka) -> list[str]:
    return [part for part in kafka.program("jars", "secret").command if "AOT" in part]


def test_what_was_recorded_is_used_from_then_on(kafka: Kafka) -> None:
    (record,) = options(kafka)
    recorded = Path(record.removeprefix("-XX:AOTCacheOutput="))
    recorded.touch()
    kafka.classes.keep(in_time=True)
    assert options(kafka) == [f"-XX:AOTCache={recorded.with_suffix('.aot')}"]


def test_a_recording_that_was_cut_short_is_not_used_and_tried_again_after_a_day(kafka: Kafka) -> None:
    (record,) = options(kafka)
    Path(record.removeprefix("-XX:AOTCacheOutput=")).write_text("half")
    kafka.classes.keep(in_time=False)
    assert options(kafka) == []
    (given_up,) = kafka.folder.glob("classes-*")
    yesterday = time.time() - 90_000
    os.utime(given_up, (yesterday, yesterday))
    assert options(kafka) == [record]


def test_a_killed_broker_records_at_its_next_stop(kafka: Kafka) -> None:
    first = options(kafka)
    assert first
    assert options(kafka) == first
