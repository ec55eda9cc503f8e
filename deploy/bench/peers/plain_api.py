"""A plain FastAPI and SQLModel app that takes a proposal: it inserts the proposal and an outbox row. No sign-in, no
Idempotency-Key, no look at who is registered, nothing published."""

import os
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID, uuid4

import uvicorn
from fastapi import Depends, FastAPI
from sqlalchemy import Integer, LargeBinary, MetaData, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from services.intake.proposals import ProposalDraft

SCRIPT = """
create table proposal (
    proposal_id uuid primary key, version int not null, title text not null, body text not null,
    language text not null, challenges int[] not null, lead_id uuid not null, members uuid[] not null,
    provinces text[] not null, consortium_id uuid, contact_id uuid not null, withdrawn boolean not null
);
create index proposal_members on proposal using gin (members);
"""


class Base(SQLModel, registry=registry()):
    """Its tables."""

    metadata = MetaData()


class Proposal(Base, table=True):
    """A proposal."""

    proposal_id: UUID = Field(default_factory=uuid4, primary_key=True)
    version: int = 1
    title: str
    body: str
    language: str
    challenges: list[int] = Field(sa_type=ARRAY(Integer))
    lead_id: UUID
    members: list[UUID] = Field(sa_type=ARRAY(Uuid))
    provinces: list[str] = Field(sa_type=ARRAY(Text))
    consortium_id: UUID | None = None
    contact_id: UUID
    withdrawn: bool = False


class Outbox(Base, table=True):
    """What is to be published."""

    id: int | None = Field(default=None, primary_key=True)
    event_id: UUID = Field(default_factory=uuid4)
    type: str
    topic: str
    key: str
    value: bytes = Field(sa_type=LargeBinary)


app = FastAPI()
engine = create_async_engine(os.environ.get("PEER_DATABASE_URL", "postgresql+asyncpg://"), pool_size=10, max_overflow=0)
made = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)


async def _session() -> AsyncIterator[AsyncSession]:
    async with made() as session:
        yield session


@app.post("/v1/proposals", status_code=201)
async def submit(draft: ProposalDraft, session: Annotated[AsyncSession, Depends(_session)]) -> Proposal:
    """Insert both rows."""
    company = UUID(int=1)
    proposal = Proposal(lead_id=company, members=[company], provinces=["limburg"], **draft.model_dump())
    session.add(proposal)
    session.add(
        Outbox(
            type="ProposalSubmitted",
            topic="i2pcc.proposals.v1",
            key=str(proposal.proposal_id),
            value=proposal.model_dump_json().encode(),
        )
    )
    await session.commit()
    return proposal


if __name__ == "__main__":
    uvicorn.run(
        app,
        port=int(os.environ["PEER_PORT"]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
