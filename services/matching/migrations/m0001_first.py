"""The searchable copy, what is to be matched, matches."""

from shared.migrations import plumbing

revision = "m0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    plumbing.create_v1()
    plumbing.run(
        """
        create table need (
            need_id uuid primary key,
            version int not null,
            region text not null,
            title text not null,
            language text not null,
            challenges int[] not null,
            closed boolean not null,
            embedding vector(384),
            embedded_version int
        );
        create index need_challenges on need using gin (challenges) where not closed;
        create table proposal (
            proposal_id uuid primary key,
            version int not null,
            title text not null,
            language text not null,
            challenges int[] not null,
            lead_id uuid not null,
            members uuid[] not null,
            provinces text[] not null,
            withdrawn boolean not null,
            embedding vector(384),
            embedded_version int
        );
        create index proposal_challenges on proposal using gin (challenges) where not withdrawn;
        create table to_match (
            id uuid primary key,
            kind text not null check (kind in ('need', 'proposal')),
            version int not null,
            traceparent text,
            leased_until timestamptz
        );
        create table match (
            match_id uuid primary key,
            version int not null,
            state text not null,
            need_id uuid not null,
            need_version int not null,
            proposal_id uuid not null,
            proposal_version int not null,
            region text not null,
            provinces text[] not null,
            members uuid[] not null,
            challenges int[] not null,
            score double precision not null,
            reasons text[] not null,
            presented boolean not null,
            model text not null,
            reason text,
            traceparent text,
            unique (need_id, proposal_id)
        );
        create index match_proposal on match (proposal_id);
        create index match_region on match (region, match_id);
        """
    )
