"""What else a need says, its drafts and versions; missions, the matches that visits are about, ties."""

from shared.migrations import plumbing

revision = "r0005"
down_revision = "r0004"


def upgrade() -> None:
    """Add the columns and make the tables."""
    plumbing.run(
        """
        alter table need
            add column closing text,
            add column organisation text,
            add column parts text[] not null default '{}',
            add column site text,
            add column industry text,
            add column capacity jsonb,
            add column budget jsonb,
            add column minimum_trl int,
            add column evidence text[] not null default '{}',
            add column partnerships text[] not null default '{}',
            add column original jsonb,
            add column origin jsonb;
        create index need_overdue on need (deadline) where closed is false;
        create table need_version (
            id uuid,
            version int,
            type text not null,
            at timestamptz not null default now(),
            by text not null,
            facts jsonb not null,
            primary key (id, version)
        );
        create table need_draft (
            draft_id uuid primary key,
            version int not null,
            region text not null,
            content jsonb not null,
            origin jsonb,
            created_at timestamptz not null default now()
        );
        create index need_draft_region on need_draft (region, draft_id);
        create table mission (
            mission_id uuid primary key,
            version int not null,
            direction text not null,
            title text not null,
            regions text[] not null,
            provinces text[] not null,
            starts date not null,
            ends date not null,
            programme jsonb not null,
            leads jsonb not null,
            created_at timestamptz not null default now()
        );
        create table match (
            match_id uuid primary key,
            version int not null,
            state text not null,
            region text not null,
            provinces text[] not null,
            need_id uuid not null
        );
        create table ties (
            region text primary key,
            version int not null,
            provinces text[] not null
        );
        """
    )
