"""The tables every service has: outbox, inbox, dead letters, keys, audit log. A change is a new function here."""

import sqlalchemy as sa
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

AUDIT = """
create table audit (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    subject text not null,
    role text,
    action text not null,
    objects json not null,
    request text,
    trace text
);
create table audit_unsealed (
    audit_id bigint primary key
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
create table audit_seal (
    position bigint primary key,
    audit_id bigint not null unique,
    hash bytea not null
);
"""
AUDIT_RIGHTS = """
revoke all on audit, audit_unsealed, audit_seal from {role};
grant select on audit, audit_unsealed, audit_seal to {role};
grant insert (subject, role, action, objects, request, trace) on audit to {role};
grant insert, delete on audit_unsealed to {role};
grant insert on audit_seal to {role};
"""
"""Instead of what a new table gives the service's role. An audit row's `id` and `at` are the database's own."""
OUTBOX_WAITS = "alter table outbox add column not_before timestamptz;"
GRANTEES = """
select distinct quote_ident(grantee) from information_schema.role_table_grants
where table_schema = current_schema and table_name = 'audit' and grantee <> current_user
"""


def run(script: str) -> None:
    """Execute a script; the driver takes one statement at a time. No statement here holds a semicolon of its own."""
    for statement in filter(str.strip, script.split(";")):
        op.execute(statement)


def create_v1() -> None:
    """Make the first version's tables in the schema that the migrator's search_path names."""
    run(V1)


def create_audit() -> None:
    """Make the audit log's tables, append-only for the service's role: whoever was given rights on new tables."""
    run(AUDIT)
    for role in op.get_bind().scalars(sa.text(GRANTEES)).all():
        run(AUDIT_RIGHTS.format(role=role))


def let_outbox_wait() -> None:
    """Let an outbox row wait: it is published once it is due."""
    run(OUTBOX_WAITS)
