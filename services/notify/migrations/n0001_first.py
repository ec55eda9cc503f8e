"""Copies of what mail is made of, and deliveries."""

from shared.migrations import plumbing

revision = "n0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    plumbing.create_v1()
    plumbing.run(
        """
        create table contact (
            contact_id uuid primary key,
            version int not null,
            organisation text,
            name text,
            mail text,
            phone text,
            language text,
            erased boolean not null default false
        );
        create table need (
            need_id uuid primary key,
            version int not null,
            title text not null,
            contact_id uuid not null
        );
        create table proposal (
            proposal_id uuid primary key,
            version int not null,
            title text not null,
            contact_id uuid not null
        );
        create table match (
            match_id uuid primary key,
            version int not null,
            state text not null,
            need_id uuid not null,
            proposal_id uuid not null,
            region text not null,
            challenges int[] not null,
            score double precision not null,
            reasons text[] not null
        );
        create table delivery (
            delivery_id uuid primary key,
            match_id uuid not null,
            template text not null,
            party text not null,
            state text not null,
            tries int not null,
            next_try timestamptz not null default now(),
            error text,
            traceparent text
        );
        create index delivery_due on delivery (next_try) where state = 'queued';
        create index delivery_match on delivery (match_id);
        """
    )
