"""What all tests share: one platform of real servers, with ports and state of its own."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from deploy.embedded import jars
from deploy.embedded.platform import Platform
from deploy.embedded.processes import Processes
from deploy.embedded.secrets import SUPERUSER
from deploy.provision.run import provision_database, role_url
from deploy.settings import Settings
from deploy.signin.client import SignIn
from shared.vocabulary import Role
from tests.browser import Browser
from tests.factories import someone
from tests.world import World, made_by


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """Real processes; what is left of them is killed."""
    made = Processes(tmp_path)
    yield made
    for name in made.names():
        made.kill(name)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def platform(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    """Kafka, PostgreSQL, the mailbox and sign-in, provisioned."""
    made = Platform(Settings.for_tests(tmp_path_factory.mktemp("platform") / "state"))
    await made.start(services=False)
    yield made
    await made.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def services(platform: Platform) -> Platform:
    """The same, with the four services as processes of their own."""
    await platform.start(services=True)
    return platform


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def second_database(platform: Platform) -> Callable[[str], str]:
    """A second database that no process works on: the URL of a role in it."""
    superuser, passwords = platform.database_url(SUPERUSER), platform.secrets.passwords
    await provision_database(superuser, passwords, platform.manifest.model_copy(update={"database": "trial"}))
    return lambda role: role_url(superuser, "trial", role, passwords)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def operator(services: Platform) -> AsyncIterator[Browser]:
    """Who may read everything, in front of the running services; `of` makes it anybody else."""
    async with httpx.AsyncClient(timeout=30) as http:
        yield Browser(http, services, someone(Role.OPERATOR), SignIn(services.settings.issuer, http))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world(operator: Browser) -> World:
    """Objects for tests that ask who may reach them."""
    return await made_by(operator)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def have_models() -> None:
    """The small models' jars, fetched unless they are here."""
    await jars.classpath(jars.MODELS, lambda done, total: None)
