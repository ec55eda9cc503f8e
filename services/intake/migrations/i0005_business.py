"""What companies show, what a proposal may say more, drafts and histories; wanted parts and invitations to them."""

from shared.migrations import plumbing

revision = "i0005"
down_revision = "i0004"


def upgrade() -> None:
    """Add the columns and the tables."""
    plumbing.run(
        """
        alter table company
            add column strongholds jsonb not null default '[]',
            add column business_cases jsonb not null default '[]',
            add column suggestible boolean not null default false;
        alter table consortium
            add column wanted jsonb not null default '[]',
            add column contact_id uuid;
        create index consortium_lead on consortium (lead_id);
        create index consortium_parts on consortium using gin (parts jsonb_path_ops);
        alter table proposal
            add column kind text not null default 'proposal',
            add column teaser text not null default 'title',
            add column summary text,
            add column maturity jsonb,
            add column intellectual_property text,
            add column partnerships text[] not null default '{}',
            add column scale text,
            add column price jsonb,
            add column working_languages text[] not null default '{}',
            add column regions text[] not null default '{}';
        create table proposal_version (
            id uuid,
            version int,
            type text not null,
            at timestamptz not null default now(),
            by text not null,
            facts jsonb not null,
            primary key (id, version)
        );
        create table proposal_draft (
            draft_id uuid primary key,
            version int not null,
            company_id uuid not null,
            content jsonb not null,
            created_at timestamptz not null default now()
        );
        create index proposal_draft_company on proposal_draft (company_id);
        create table invitation (
            invitation_id uuid primary key,
            consortium_id uuid not null references consortium,
            part_id uuid not null,
            token_hash bytea not null unique,
            expires_at timestamptz not null,
            state text not null,
            company_id uuid,
            created_at timestamptz not null default now()
        );
        create index invitation_consortium on invitation (consortium_id);
        """
    )
