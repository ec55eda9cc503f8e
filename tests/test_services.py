"""What holds for every service, whatever it does."""

import importlib

import pytest

from deploy.manifest import load
from deploy.settings import SERVICES
from shared.bus import Handlers
from shared.events import CATALOG
from shared.service import Service


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> Service:
    """The service that services/<name>/app.py makes, under its own name."""
    made: Service = getattr(importlib.import_module(f"services.{request.param}.app"), request.param)
    assert made.name == request.param
    return made


def test_a_service_is_in_the_manifest_and_reads_only_what_that_lets_it(service: Service) -> None:
    assert service.name in load().services
    allowed = {topic.name for topic in load().topics if service.name in topic.readers}
    assert set((service.handlers or Handlers()).topics) <= allowed


def test_a_projection_takes_every_event_of_its_topics(service: Service) -> None:
    """An event that it does not know would leave its copy behind for ever."""
    for types, project in (service.handlers or Handlers()).projections:
        topics = {kind.topic for kind in types}
        assert set(types) == {kind for kind in CATALOG.values() if kind.topic in topics}, project.__qualname__
