"""A match's whole life, what a proposal shows to whom, misses, and who could bring a part.

What is presented already has its clock begin now. A copy of a text from before has no body until the text is revised:
it says as much as was searched then. Of the history there is what happens from now on.
"""

from shared.migrations import plumbing

revision = "m0005"
down_revision = "m0004"


def upgrade() -> None:
    """Make the tables and add the columns."""
    plumbing.run(
        """
        alter table need
            add column body text,
            add column organisation text,
            add column deadline date,
            add column parts jsonb not null default '[]',
            add column site text,
            add column industry text,
            add column capacity jsonb,
            add column budget jsonb,
            add column minimum_trl int,
            add column evidence jsonb not null default '[]',
            add column partnerships jsonb not null default '[]',
            add column original jsonb;
        alter table proposal
            add column body text,
            add column kind text not null default 'proposal',
            add column teaser text not null default 'title',
            add column summary text,
            add column maturity jsonb,
            add column intellectual_property text,
            add column partnerships jsonb not null default '[]',
            add column scale text,
            add column price jsonb,
            add column working_languages jsonb not null default '[]',
            add column regions jsonb not null default '[]';
        alter table match
            add column by text,
            add column answer_by date,
            add column reminders int not null default 0,
            add column objection text,
            add column outcome text,
            add column kind text not null default 'proposal',
            add column interested_at timestamptz,
            add column due_step text,
            add column due_at timestamptz;
        update match set answer_by = current_date + 42, due_step = 'remind', due_at = current_date + 14
            where state = 'presented';
        create index match_due on match (due_at) where due_at is not null;
        create table match_version (
            id uuid,
            version int,
            type text not null,
            at timestamptz not null default now(),
            by text not null,
            facts jsonb not null,
            primary key (id, version)
        );
        create table presentation (
            organisation text primary key,
            version int not null,
            threshold double precision
        );
        create table miss (
            proposal_id uuid primary key,
            version int not null,
            nearest jsonb not null
        );
        create table company (
            company_id uuid primary key,
            version int not null,
            name text not null,
            province text not null,
            strongholds jsonb not null,
            suggestible boolean not null
        );
        create table stronghold (
            company_id uuid,
            place int,
            title text not null,
            embedding vector(384) not null,
            primary key (company_id, place)
        );
        create table consortium (
            consortium_id uuid primary key,
            version int not null,
            lead_id uuid not null,
            parts jsonb not null,
            wanted jsonb not null,
            closed boolean not null
        );
        create index proposal_interest on proposal (lead_id) where kind = 'interest' and not withdrawn;
        alter table to_match drop constraint to_match_kind_check;
        alter table to_match add check (kind in ('need', 'proposal', 'company'));
        """
    )
