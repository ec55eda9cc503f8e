"""Scores by corrected vectors and words: every text is embedded anew, and everything is matched again."""

from shared.migrations import plumbing

revision = "m0007"
down_revision = "m0006"


def upgrade() -> None:
    """Let searches find what is compared now, and put all that is open in the worker's way."""
    plumbing.run(
        """
        create table background (
            version int not null,
            side text not null check (side in ('need', 'proposal')),
            id uuid not null,
            title text not null,
            body text not null,
            language text not null,
            primary key (version, side, id)
        );
        update need set embedded_version = null;
        update proposal set embedded_version = null;
        alter table need
            alter column embedding type halfvec(387) using null,
            add column prepared bytea,
            add column background int,
            add column open boolean
                generated always as (coalesce(not closed and embedded_version = version, false)) stored;
        alter table proposal
            alter column embedding type halfvec(387) using null,
            add column prepared bytea,
            add column background int,
            add column open boolean
                generated always as (coalesce(not withdrawn and embedded_version = version, false)) stored;
        delete from stronghold;
        alter table stronghold
            alter column embedding type halfvec(387),
            add column prepared bytea not null,
            add column background int not null;
        create index need_embedding on need using hnsw (embedding halfvec_ip_ops)
            with (m = 24, ef_construction = 128) where open;
        create index proposal_embedding on proposal using hnsw (embedding halfvec_ip_ops)
            with (m = 24, ef_construction = 128) where open;
        insert into to_match (id, kind, version)
            select need_id, 'need', version from need where not closed
            union all select proposal_id, 'proposal', version from proposal where not withdrawn
            union all select company_id, 'company', version from company
            on conflict do nothing;
        """
    )
