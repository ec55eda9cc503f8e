"""HTTP in: a request is a transaction, a command runs once per Idempotency-Key, errors are problem documents."""

import hashlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict
from sqlalchemy import text
from sqlmodel import SQLModel, col
from sqlmodel.sql.expression import SelectOfScalar
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import audit
from shared.auth import Caller, CurrentCaller, current_caller
from shared.db import Db, Sessions, is_outage, is_taken, write_last
from shared.deadletters import explain
from shared.problems import Problem, ProblemDocument, conflict, our_fault, unavailable

log = logging.getLogger(__name__)

R = TypeVar("R", bound=SQLModel)
Handler = Callable[[Request], Coroutine[Any, Any, Response]]

REMEMBER = "insert into idempotency (caller, route, key, digest, status, body) values ($1, $2, $3, $4, $5, $6)"
RECALL = text(
    "select digest, status, body from idempotency where caller = :caller and route = :route and key = :key "
    "and created_at >= now() - interval '24 hours'"
)
FORGET = text(
    "delete from idempotency where caller = :caller and route = :route and key = :key "
    "and created_at < now() - interval '24 hours' returning 1"
)


class Draft(BaseModel):
    """What a caller sends; a field that is not known is an error, not a silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Page:
    """A part of a list, by id; `after` is the last id of the page before."""

    def __init__(self, limit: Annotated[int, Query(ge=1, le=100)] = 50, after: UUID | None = None) -> None:
        self._limit = limit
        self._after = after

    async def of(self, db: Db, query: SelectOfScalar[R], key: object) -> Sequence[R]:
        """The rows of a query that are on it; `key` is the column of their ids."""
        if self._after:
            query = query.where(col(key) > self._after)
        return (await db.scalars(query.order_by(col(key)).limit(self._limit))).all()


Page = Annotated[_Page, Depends()]


async def _db(request: Request) -> Db:
    db: Db = request.state.db
    return db


Session = Annotated[Db, Depends(_db)]
"""The request's session. It is committed before the answer leaves."""


async def _idempotency_key(
    key: Annotated[
        str,
        Header(
            alias="Idempotency-Key",
            min_length=8,
            max_length=128,
            pattern=r"^[\x21-\x7e]+$",
            description="A fresh random text for each command, the same one for each repeat of it. Kept for 24 hours.",
        ),
    ],
    caller: CurrentCaller,
    request: Request,
) -> None:
    request.state.caller = caller
    request.state.idempotency_key = key


class QueryRoute(APIRoute):
    """A request with a session of its own; reading commits nothing."""

    def get_route_handler(self) -> Handler:
        """Wrap the handler that FastAPI makes."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            sessions: Sessions = request.app.state.sessions
            try:
                async with sessions() as db:
                    request.state.db = db
                    return await self.run(db, request, handler)
            except (Problem, HTTPException, RequestValidationError):
                raise
            except Exception as error:
                if is_outage(error):
                    return unavailable().response()
                # Not raised on: a server logs the message too, and it quotes the values of the statement.
                log.error("%s %s failed: %s", request.method, self.path, explain(error, personal=True))
                return our_fault().response()

        return handle

    async def run(self, db: Db, request: Request, handler: Callable[[Request], Awaitable[Response]]) -> Response:
        """Run the handler."""
        return await handler(request)


class CommandRoute(QueryRoute):
    """A command, run once per key: its answer is kept in the command's own transaction.

    Nothing is looked up first. A repeat fails at the key's row, or earlier at a rule that the first run has made
    true; either way it then gets the first answer.
    """

    async def run(self, db: Db, request: Request, handler: Callable[[Request], Awaitable[Response]]) -> Response:
        """Run the handler and commit, or recall the first answer."""
        try:
            response = await handler(request)
            (await _Command.of(request)).remember(db, response)
            await db.commit()
            return response
        except Problem as problem:
            if not hasattr(request.state, "idempotency_key"):
                raise
            error = problem
        except Exception as failure:
            if not is_taken(failure):
                raise
            error = conflict("Somebody else has just done the same; read it again.")
        await db.rollback()
        command = await _Command.of(request)
        if first := await command.recall(db):
            return first
        if await command.forget_expired(db):
            return await self.run(db, request, handler)
        raise error


@dataclass(frozen=True)
class _Command:
    caller: str
    role: str
    route: str
    key: str
    digest: bytes

    @classmethod
    async def of(cls, request: Request) -> "_Command":
        content = f"{request.url.path}\n".encode() + await request.body()
        caller: Caller = request.state.caller
        return cls(
            caller=caller.subject,
            role=caller.role,
            route=f"{request.method} {request.scope['route'].path}",
            key=request.state.idempotency_key,
            digest=hashlib.sha256(content).digest(),
        )

    def remember(self, db: Db, response: Response) -> None:
        """Keep the answer, and note who did what, as the transaction ends; if the key is taken, nothing happens."""
        answer = (self.digest, response.status_code, response.body)
        write_last(db.sync_session, REMEMBER, self.caller, self.route, self.key, *answer)
        audit.record(db, self.caller, self.route, audit.objects(db), role=self.role, request=self.key)

    async def forget_expired(self, db: Db) -> bool:
        """Whether the key was an old one, which may now be used again."""
        row = (await db.execute(FORGET, vars(self))).first()
        await db.commit()
        return row is not None

    async def recall(self, db: Db) -> Response | None:
        """The first answer, if there was one."""
        row = (await db.execute(RECALL, vars(self))).first()
        if row is None:
            return None
        if row.digest != self.digest:
            raise conflict("This Idempotency-Key was used for another command; send a fresh one.")
        return Response(row.body, row.status, media_type="application/json")


@dataclass(frozen=True)
class BodyLimit:
    """Refuses a body that is too large, at once if it says so; Starlette's own answers in plain text."""

    app: ASGIApp
    most: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Believe a length that is too large, and count what is read."""
        told = Headers(scope=scope).get("content-length", "") if scope["type"] == "http" else ""
        if told.isdecimal() and int(told) > self.most:
            return await Problem(413, "Content Too Large", self._detail).response()(scope, receive, send)
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self.most:
                # FastAPI lets only this one through, while it reads a body.
                raise HTTPException(413, self._detail)
            return message

        return await self.app(scope, counted, send)

    @property
    def _detail(self) -> str:
        return f"The body may have at most {self.most} bytes."


CORS: dict[str, Any] = {
    "allow_methods": ["GET", "POST", "PUT"],
    "allow_headers": ["Authorization", "Content-Type", "Idempotency-Key", "traceparent"],
    "expose_headers": ["Retry-After"],
}
"""What a page of another origin may send and read; no cookies, there are none."""

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemDocument, "description": description}
    for status, description in {
        400: "this is not HTTP that can be read",
        401: "not signed in",
        403: "not allowed for this role",
        404: "not there, or not yours to see",
        408: "the request took too long to arrive",
        409: "not possible now; the detail says what is",
        413: "the body is too large",
        422: "a field is not valid; errors name it and what is allowed",
        429: "too many requests of this caller, or too many from this address that fail to sign in; see Retry-After",
        431: "the URL and the headers are too large together, or there are too many headers",
        500: "our fault, and noted",
        503: "the database is away; the same command with the same Idempotency-Key may be sent again",
    }.items()
}


def queries(**options: Any) -> APIRouter:
    """A router for reading, by someone who is known."""
    return APIRouter(
        prefix="/v1", route_class=QueryRoute, responses=PROBLEMS, dependencies=[Depends(current_caller)], **options
    )


def commands(**options: Any) -> APIRouter:
    """A router for commands, each of which needs a known caller and an Idempotency-Key."""
    return APIRouter(
        prefix="/v1",
        route_class=CommandRoute,
        responses=PROBLEMS,
        dependencies=[Depends(_idempotency_key)],
        **options,
    )
