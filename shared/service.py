"""What makes a service of handlers, routers and workers: one process, started and stopped in order."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from prometheus_client.registry import Collector
from pydantic import BaseModel
from sqlalchemy import text
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Scope

from shared import audit, figures, logs, metrics, pages, problems, tracing
from shared.auth import Verifier, current_caller
from shared.bus import Consumer, Handlers
from shared.db import Commits, Sessions, connect, is_outage, sessions
from shared.deadletters import explain
from shared.held import Held
from shared.held import read as read_held
from shared.http import CORS, BodyLimit
from shared.outbox import Relay
from shared.problems import as_problems
from shared.rates import Rates
from shared.server import serve
from shared.settings import Auth, Database, Http, Kafka, port
from shared.telemetry import where_failed, within

log = logging.getLogger(__name__)

Worker = Callable[[Sessions], Awaitable[bool]]
"""Does one piece of waiting work; returns whether there was any. If not it commits nothing: a commit wakes workers."""

IDLE = 0.5
"""Seconds between two looks for what another process left; a commit in this one wakes a worker at once."""
CHORE = 1.0
"""Seconds between two looks of a chore."""
RETRY = 1.0
"""Seconds between two looks for a dead letter that has become due."""
OPEN = frozenset(
    {
        "/health/live",
        "/health/ready",
        "/metrics",
        "/docs",
        "/docs/assets",
        "/docs/assets/oauth2-redirect.html",
        "/docs/own",
        "/events",
        "/asyncapi.json",
        "/openapi.json",
        "/unsubscribe",
    }
)
"""The paths that answer without asking who calls. docs/security.md tells who may use the others."""
EVENTS = Path(__file__).parent.parent / "docs" / "asyncapi.json"


@dataclass(frozen=True)
class Service:
    """A service's parts. Calling `app()` makes the ASGI application; `run()` serves it."""

    name: str
    title: str
    routers: Sequence[APIRouter]
    handlers: Handlers | None = None
    workers: Sequence[Worker] = ()
    held: Held | None = None
    """What it holds of a person, beyond what every service does."""
    chores: Sequence[Worker] = ()
    """Workers that look by the clock, each second: what they do becomes due without anything being committed."""
    measures: Sequence[Collector] = ()
    """What it tells at /metrics, beyond what every service does and what it counts."""

    def app(self) -> FastAPI:
        """The service as an ASGI application.

        Raises:
            ValueError: a route neither asks who calls nor is open by name.
        """
        http = Http()
        app = _App(
            title=self.title,
            version="1",
            lifespan=self._lifespan,
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            telemetry={"operation_spans": False, "metrics": False, "logs": False, "exclude": _unwatched},
        )
        app.state.held = self.held
        app.state.rates = Rates(http.rate)
        app.add_middleware(BodyLimit, most=http.max_body)
        if http.origins:
            app.add_middleware(CORSMiddleware, allow_origins=http.origins, **CORS)
        problems.add_handlers(app)
        for router in self.routers:
            app.include_router(router)
        app.include_router(read_held)
        app.include_router(_health)
        app.include_router(figures.page)
        pages.add_pages(app, EVENTS)
        check_closed(app)
        return app

    def run(self) -> None:
        """Serve until SIGTERM, on the port that I2PCC_<NAME>_PORT says."""
        logs.setup(self.name)
        serve(self.app(), Http(), port(self.name))

    @asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        traces = tracing.setup(self.name)
        database, kafka = Database(), Kafka()
        engine = connect(database, self.name)
        made = sessions(engine)
        relay = Relay(self.name, database.url, kafka)
        loops = [relay.run(), every(3_600, forget_old_keys, made)]
        loops += [work(worker, made) for worker in self.workers]
        loops += [work(chore, made, partial(asyncio.sleep, CHORE)) for chore in self.chores]
        loops += [work(audit.seal, made, partial(asyncio.sleep, audit.PACE))]
        consumer = Consumer(self.name, self.handlers, made, kafka) if self.handlers else None
        if consumer:
            loops += [consumer.run(), work(consumer.retry, made, partial(asyncio.sleep, RETRY))]
        verifier = Verifier(Auth())
        loops.append(verifier.keys.run())
        metrics.begin_at_zero(self.name, self.handlers.types if self.handlers else ())
        app.state.figures = figures.Figures(made, relay, consumer, self.measures)
        app.state.sessions, app.state.verifier, app.state.consumer = made, verifier, consumer
        tasks = [asyncio.create_task(loop) for loop in loops]
        yield
        if consumer:
            await consumer.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await engine.dispose()
        if traces:
            traces.shutdown()


class _App(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """The service's OpenAPI document."""
        return as_problems(super().openapi())


def check_closed(app: FastAPI) -> None:
    """Closed unless opened by name.

    Raises:
        ValueError: a route neither asks who calls nor is open by name.
    """
    for route in iter_route_contexts(app.routes):
        if route.path not in OPEN and not _asks(getattr(route, "dependant", None)):
            raise ValueError(
                f"{' '.join(sorted(route.methods or ()))} {route.path} neither asks who calls nor is in "
                "shared.service.OPEN: put it on a router of queries() or commands()"
            )


def _asks(dependant: Dependant | None) -> bool:
    """Whether a route's dependencies know the caller."""
    if dependant is None:
        return False
    return dependant.call is current_caller or any(map(_asks, dependant.dependencies))


async def work(worker: Worker, made: Sessions, rest: Callable[[], Awaitable[None]] | None = None) -> None:
    """Run a worker for ever: at once while there is work, then after each rest: until something was committed."""
    rest = rest or partial(Commits().wait, IDLE)
    while True:
        try:
            if not await worker(made):
                await rest()
        except Exception as error:
            name = getattr(worker, "__qualname__", worker)
            with within(where_failed(error)):
                if is_outage(error):
                    log.warning("%s waits: %s", name, type(error).__name__)
                else:
                    log.error("%s failed: %s", name, explain(error, personal=True))
            await asyncio.sleep(1)


async def every(seconds: float, function: Callable[[Sessions], Awaitable[None]], made: Sessions) -> None:
    """Run a chore now and then."""
    while True:
        with suppress(Exception):
            await function(made)
        await asyncio.sleep(seconds)


async def forget_old_keys(made: Sessions) -> None:
    """Idempotency keys are kept for a day."""
    async with made() as db, db.begin():
        await db.execute(text("delete from idempotency where created_at < now() - interval '24 hours'"))


_health = APIRouter(prefix="/health", tags=["health"])


class Health(BaseModel):
    """What a probe learns."""

    status: str
    waiting_for: list[str] = []


@_health.get("/live")
async def live() -> Health:
    """The process runs."""
    return Health(status="live")


@_health.get("/ready", responses={503: {"model": Health}})
async def ready(request: Request, response: Response) -> Health:
    """Commands are accepted and events are read. That Kafka or sign-in is away later does not count: it is bridged."""
    waiting = []
    try:
        async with request.app.state.sessions() as db:
            await db.execute(text("select 1"))
    except Exception:
        waiting.append("database")
    consumer: Consumer | None = request.app.state.consumer
    if consumer and not consumer.started:
        waiting.append("kafka")
    verifier: Verifier = request.app.state.verifier
    if verifier.keys.held is None:
        waiting.append("sign-in")
    response.status_code = 503 if waiting else 200
    return Health(status="waiting" if waiting else "ready", waiting_for=waiting)


def _unwatched(scope: Scope) -> bool:
    return not str(scope["path"]).startswith("/v1/")
