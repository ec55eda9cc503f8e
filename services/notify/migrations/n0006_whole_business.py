"""All mails of the business: more copies to make them of, and what a person said of being written to.

As of version 0, any event is newer: a copy from before lacks what is new until its next event, or until the topic is
read again. Until then a coordinator is not known as one, and everybody is written to at once.
"""

from shared.migrations import plumbing

revision = "n0006"
down_revision = "n0005"


def upgrade() -> None:
    """Add the columns and the tables."""
    plumbing.run(
        """
        alter table contact
            add column company_id uuid,
            add column region text,
            add column coordinates text,
            add column digest text,
            add column refused text,
            add column unsubscribed boolean not null default false,
            add column token uuid default gen_random_uuid();
        update contact set version = 0;
        update contact set token = null where erased;
        create index contact_company on contact (company_id);
        create index contact_coordinates on contact (coordinates) where coordinates is not null;
        create unique index contact_token on contact (token);
        alter table need add column organisation text;
        update need set version = 0;
        alter table proposal add column withdrawn boolean not null default false;
        update proposal set version = 0;
        alter table match add column objection text, add column answer_by date;
        update match set version = 0;
        create index match_proposal on match (proposal_id);
        create table refusal (
            match_id uuid primary key,
            version int not null,
            reason text not null
        );
        create table meeting (
            match_id uuid primary key,
            version int not null,
            meeting jsonb not null
        );
        create table miss (
            proposal_id uuid primary key,
            version int not null,
            nearest jsonb not null
        );
        create table consortium (
            consortium_id uuid primary key,
            version int not null,
            title text not null,
            parts jsonb not null,
            wanted jsonb not null,
            contact_id uuid,
            closed boolean not null
        );
        create table invitation (
            invitation_id uuid primary key,
            consortium_id uuid not null,
            consortium text not null,
            part text not null,
            lead text not null,
            mail text,
            token text,
            language text not null,
            expires_at timestamptz not null
        );
        create index invitation_mail on invitation (mail) where mail is not null;
        alter table delivery
            alter column match_id drop not null,
            add column need_id uuid,
            add column proposal_id uuid,
            add column consortium_id uuid,
            add column part_id uuid,
            add column invitation_id uuid,
            add column contact_id uuid,
            add column held boolean not null default false;
        update delivery set need_id = match.need_id, proposal_id = match.proposal_id
            from match where match.match_id = delivery.match_id;
        """
    )
