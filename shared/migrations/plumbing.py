"""The tables every service has: outbox, inbox, dead letters, idempotency keys. A change is a new function here."""

from alembic import op

V1 = """
create table outbox (
    id bigint generated always as identity primary key,
    event_id uuid not null,
    type text not null,
    topic text not null,
    key text not null,
    value bytea,
    traceparent text,
    created_at timestamptz not null default now(),
    parked_until timestamptz,
    error text
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
create index outbox_parked on outbox (topic, key) where parked_until is not null;

create table inbox (
    event_id uuid primary key,
    seen_at timestamptz not null default now()
);

create table dead_letter (
    id bigint generated always as identity primary key,
    topic text not null,
    partition int not null,
    "offset" bigint not null,
    key bytea,
    value bytea,
    headers json not null,
    type text,
    cause text not null,
    tries int not null default 0,
    next_try timestamptz,
    buried_at timestamptz not null default now(),
    unique (topic, partition, "offset")
);
create index dead_letter_due on dead_letter (next_try) where next_try is not null;

create table idempotency (
    caller text not null,
    route text not null,
    key text not null,
    digest bytea not null,
    status int not null,
    body bytea not null,
    created_at timestamptz not null default now(),
    primary key (caller, route, key)
);
create index idempotency_age on idempotency (created_at);
"""


def run(script: str) -> None:
    """Execute a script; the driver takes one statement at a time. No statement here holds a semicolon of its own."""
    for statement in filter(str.strip, script.split(";")):
        op.execute(statement)


def create_v1() -> None:
    """Make the first version's tables in the schema that the migrator's search_path names."""
    run(V1)
