"""The whole platform on this machine: servers beside each other, then provisioning, then the services."""

import asyncio
import importlib
import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import psutil
from pydantic import SecretStr

from deploy import manifest as manifests
from deploy.embedded import jars, secrets, state, zipkin
from deploy.embedded.kafka import Kafka
from deploy.embedded.ports import check_ports, ports_of
from deploy.embedded.postgres import Postgres
from deploy.embedded.processes import Processes, Program
from deploy.embedded.services import NONE, Services
from deploy.embedded.signin import SignIn
from deploy.embedded.steps import Steps
from deploy.files import write
from deploy.manifest import ADMIN
from deploy.problems import Problem, disk
from deploy.settings import LOOPBACK, REALM, SERVICES, Settings
from deploy.waiting import Together, abandonable, answers, listens, whole
from shared.settings import Kafka as KafkaSettings

SERVERS = ("kafka", "postgres", "mailbox", "signin")
PARTS = (*SERVERS, zipkin.NAME, *SERVICES)
"""All that may run; Zipkin does if it is asked for."""


class Platform:
    """Starts, stops and finds again what runs on one state folder."""

    def __init__(self, settings: Settings, steps: Steps | None = None) -> None:
        self.settings = settings
        self.steps = steps or Steps()
        self.manifest = manifests.load()
        self.processes = Processes(settings.state)
        self.services = Services(settings, self.processes, self.environment)
        self._kafka = Kafka(settings)
        self._postgres = Postgres(settings)
        self._signin = SignIn(settings)
        self._classes = {part.name: part.classes for part in (self._kafka, self._signin)}

    async def start(self, services: bool = True) -> None:
        """Bring everything up: what runs is left as it is, what has died is started again.

        Raises:
            Problem: something did not start; then what was started here is stopped again.
        """
        state.prepare(self.settings.state)
        if services:
            state.refuse_half(self.settings.state)
        with state.alone(self.settings.state), disk(self.settings.state):
            missing = self.missing(services)
            check_ports(self.settings, missing, but=self._held_ports())
            await whole(self._stop_parts(missing if self._as_set() else self.processes.names()))
            try:
                await self._start(missing)
                await self._all_ready(self.parts if services else SERVERS)
            except BaseException:
                await whole(self._stop_parts(missing))
                raise

    async def stop(self, wipe: bool = False) -> None:
        """Stop everything, the services first. With `wipe`, its state goes too."""
        folder = self.settings.state
        if state.is_ours(folder):
            with state.alone(folder):
                await whole(self._stop_parts(self.processes.names()))
                if wipe:
                    state.wipe(folder)

    async def rotate(self) -> None:
        """Make all that is secret anew, with nothing running meanwhile. One that was cut short is simply repeated.

        Raises:
            Problem: nothing was started here yet.
        """
        folder = self.settings.state
        if not (state.is_ours(folder) and self._postgres.data.exists()):
            raise Problem("Nothing was started here yet, so there is nothing to make anew.", "Run: i2pcc up")
        with state.alone(folder), disk(folder):
            await whole(self._stop_parts(self.processes.names()))
            await self._postgres.clear_after_crash()
            secrets.forget(folder / "secrets")
            self.__dict__.pop("secrets", None)
            await asyncio.to_thread(self._postgres.set_password, self.secrets.passwords[secrets.SUPERUSER])

    async def restart(self, name: str, **more: str) -> None:
        """Stop one part, if it runs, and start it again; a service with more in its environment, if told."""
        await asyncio.to_thread(self._stop, name)
        await self._start_part(name, more)

    async def restart_kafka(self, behind: int | None = None) -> None:
        """Start Kafka again on its port, or on another one behind whoever is to pass on what comes to its port."""
        await asyncio.to_thread(self._stop, "kafka")
        self._kafka.behind = behind
        await self._start_part("kafka")

    async def renew(self, services: Sequence[str]) -> None:
        """Stop one service after the other, and start it again on the socket it listens on: who asks meanwhile waits.

        Raises:
            Problem: one of them does not run, or did not start again.
        """
        with state.alone(self.settings.state):
            for service in services:
                with self.steps.step(service):
                    await self.services.renew(service)

    def kill(self, name: str) -> None:
        """End one part as a crash would; `restart` brings it back."""
        self.processes.kill(name)

    def as_it_runs(self) -> "Platform":
        """The same with the settings it was started with, whatever the environment says now."""
        try:
            kept = json.loads((self.settings.state / "settings.json").read_text())
        except (FileNotFoundError, ValueError):
            return self
        return Platform(Settings(state=self.settings.state, **kept))

    def missing(self, services: bool = True) -> list[str]:
        """What does not run, or not with these settings."""
        names = self.parts if services else SERVERS
        return [name for name in names if not (self._as_set() and self.processes.runs(name))]

    @property
    def parts(self) -> list[str]:
        """What is to run."""
        return [name for name in PARTS if name != zipkin.NAME or self.settings.zipkin]

    def memory(self, name: str) -> int:
        """MB that a part and its children hold (what they share counts for each)."""
        process = self.process(name)
        family = [process, *process.children(recursive=True)] if process else []
        return sum(map(_resident, family)) // 1_000_000

    def process(self, name: str) -> psutil.Process | None:
        """A part's process."""
        return self.processes.alive(name)

    async def is_ready(self, name: str) -> bool:
        """Whether a part does its work now."""
        if name in SERVICES:
            return await self.services.is_ready(name)
        address, port = self.settings.address(name), self.settings.port(name)
        if name in ("kafka", "postgres"):
            return await listens(address, self._kafka.behind or port if name == "kafka" else port)
        paths = {"mailbox": "/health/ready", "signin": f"/{REALM}/jwks", zipkin.NAME: "/health"}
        return await answers(address, port, paths[name])

    @property
    def urls(self) -> dict[str, str]:
        """Where the HTTP servers are, by name."""
        return self.settings.urls

    @property
    def ledgers(self) -> Path:
        """The folder of the ledgers in which each erasure is noted (shared/erasures.py)."""
        return self.settings.state / "erasures"

    def kafka(self, user: str) -> KafkaSettings:
        """The broker as a user of it is told: a service, a partner, or `admin`."""
        return KafkaSettings(
            servers=self.settings.kafka_servers,
            user=user,
            password=SecretStr(self.secrets.kafka_passwords[user]),
            mechanism="PLAIN" if user == ADMIN else "SCRAM-SHA-512",
        )

    def database_url(self, role: str) -> str:
        """A postgresql:// URL; the superuser is `postgres`."""
        database = self.manifest.database
        password = self.secrets.passwords[role]
        return f"postgresql://{role}:{password}@{LOOPBACK}:{self.settings.postgres_port}/{database}"

    @cached_property
    def secrets(self) -> secrets.Secrets:
        """This state folder's passwords and keys."""
        return secrets.keep(self.settings.state / "secrets", self.manifest.roles(), self.manifest.users())

    def environment(self, service: str) -> dict[str, str]:
        """What a service is told of its surroundings."""
        return {
            "I2PCC_DATABASE_URL": self.database_url(self.manifest.services[service].role),
            "I2PCC_KAFKA_SERVERS": self.settings.kafka_servers,
            "I2PCC_KAFKA_USER": service,
            "I2PCC_KAFKA_PASSWORD": self.secrets.kafka_passwords[service],
            "I2PCC_AUTH_ISSUER": self.settings.issuer,
            "I2PCC_AUTH_JWKS_URL": f"{self.settings.issuer}/jwks",
            "I2PCC_HTTP_HOST": self.settings.http_host,
            "I2PCC_HTTP_RATE": self.settings.http_rate,
            f"I2PCC_{service.upper()}_PORT": str(self.settings.port(service)),
            "I2PCC_CONTACTS_ERASURES": str(self.ledgers),
            "I2PCC_NOTIFY_URL": self.urls["notify"],
            "I2PCC_MAIL_HOST": LOOPBACK,
            "I2PCC_MAIL_PORT": str(self.settings.mail_port),
            "I2PCC_TRACES_DIR": str(self.settings.traces),
            "OMP_NUM_THREADS": "1",
            "PYTHONUNBUFFERED": "1",
            **zipkin.told(self.settings),
        }

    async def _start(self, missing: Sequence[str]) -> None:
        """Services import while the servers start; they begin once their topics and tables are there."""
        if not missing:
            return
        write(self.settings.state / "settings.json", self._settings_text())
        _ = self.secrets
        async with Together() as together:
            for name in missing:
                if name in SERVICES:
                    self.services.start(name)
            together.do(self._serve("kafka", missing, self._provision_kafka))
            together.do(self._serve("postgres", missing, self._provision_database))
            together.do(self._serve("mailbox", missing))
            together.do(self._serve("signin", missing))
            if zipkin.NAME in missing:
                together.do(self._start_zipkin())
            together.do(self._have_models())
        async with Together() as together:
            for name in missing:
                if name in SERVICES:
                    together.do(self._let_go(name))

    async def _serve(
        self, name: str, missing: Sequence[str], provision: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        if name in missing:
            await self._start_part(name)
        else:
            await self.processes.until_ready(name, self.is_ready)
        if provision:
            await provision()

    async def _start_part(self, name: str, more: Mapping[str, str] = NONE) -> None:
        servers: dict[str, Callable[[], Awaitable[None]]] = {
            "kafka": self._start_kafka,
            "postgres": self._start_postgres,
            "mailbox": self._start_mailbox,
            "signin": self._start_signin,
            zipkin.NAME: self._start_zipkin,
        }
        if name in servers:
            await servers[name]()
        else:
            self.services.start(name, more)
            await self._let_go(name)

    async def _start_kafka(self) -> None:
        with self.steps.step("Kafka") as progress:
            classpath = await jars.classpath(jars.KAFKA, progress)
            password = self.secrets.kafka_passwords[ADMIN]
            await asyncio.to_thread(self._kafka.format, classpath, password)
            self.processes.start(self._kafka.program(classpath, password))
            await self.processes.until_ready("kafka", self.is_ready)

    async def _start_postgres(self) -> None:
        with self.steps.step("PostgreSQL"):
            await asyncio.to_thread(self._postgres.initialise, self.secrets.passwords[secrets.SUPERUSER])
            await self._postgres.clear_after_crash()
            process = self.processes.start(self._postgres.program())

            async def ready(_: str) -> bool:
                return self._postgres.is_ready(process.pid)

            await self.processes.until_ready("postgres", ready)

    async def _start_mailbox(self) -> None:
        with self.steps.step("Mailbox"):
            ports = {name: str(self.settings.port(name)) for name in ("mail", "mailbox")}
            environment = {f"I2PCC_{name}_PORT".upper(): port for name, port in ports.items()}
            environment |= {"I2PCC_HTTP_HOST": LOOPBACK, "I2PCC_STATE": str(self.settings.state)}
            command = (sys.executable, "-m", "deploy.embedded.mailbox")
            self.processes.start(Program("mailbox", command, self.settings.mailbox_port, environment))
            await self.processes.until_ready("mailbox", self.is_ready)

    async def _start_signin(self) -> None:
        with self.steps.step("Sign-in") as progress:
            classpath = await jars.classpath(jars.SIGNIN, progress)
            self.processes.start(await asyncio.to_thread(self._signin.program, classpath, self.secrets.signing_key))
            await self.processes.until_ready("signin", self.is_ready)

    async def _start_zipkin(self) -> None:
        with self.steps.step("Zipkin") as progress:
            self.processes.start(zipkin.program(self.settings, await jars.classpath(jars.ZIPKIN, progress)))
            await self.processes.until_ready(zipkin.NAME, self.is_ready)

    async def _have_models(self) -> None:
        with self.steps.step("Models") as progress:
            await jars.classpath(jars.MODELS, progress)

    async def _provision_kafka(self) -> None:
        with self.steps.step("Kafka's users, topics and rights"):
            provision = await asyncio.to_thread(importlib.import_module, "deploy.provision.kafka")
            passwords = self.secrets.kafka_passwords
            await abandonable(provision.provision, self.kafka(ADMIN), self.manifest, passwords)

    async def _provision_database(self) -> None:
        with self.steps.step("Roles, schemas and migrations"):
            provision = await asyncio.to_thread(importlib.import_module, "deploy.provision.run")
            url = self.database_url(secrets.SUPERUSER)
            await provision.provision_database(url, self.secrets.passwords, self.manifest)

    async def _let_go(self, name: str) -> None:
        with self.steps.step(name):
            await self.services.let_go(name)

    async def _all_ready(self, names: Sequence[str]) -> None:
        async with Together() as together:
            for name in names:
                together.do(self.processes.until_ready(name, self.is_ready))

    def _held_ports(self) -> set[int]:
        """The ports that this platform's own processes listen on now."""
        running = self.as_it_runs().settings
        return {running.port(port) for name in PARTS if self.processes.alive(name) for port in ports_of(name)}

    def _as_set(self) -> bool:
        """Whether what runs was started with these settings."""
        file = self.settings.state / "settings.json"
        return file.exists() and file.read_text() == self._settings_text()

    def _settings_text(self) -> str:
        return self.settings.model_dump_json(exclude={"state"})

    async def _stop_parts(self, names: Sequence[str]) -> None:
        servers = (*SERVERS, zipkin.NAME)
        for group in ([name for name in names if name not in servers], servers):
            stops = [asyncio.to_thread(self._stop, name) for name in group if name in names]
            await asyncio.gather(*stops)

    def _stop(self, name: str) -> None:
        ran = self.processes.alive(name)
        in_time = self.processes.stop(name)
        if ran and (classes := self._classes.get(name)):
            classes.keep(in_time)


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
