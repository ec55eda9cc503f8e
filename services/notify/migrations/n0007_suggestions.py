"""Who was suggested to cover a need together, and what such a mail is made of.

As of version 0, any event is newer: a need from before has no parts here until its next event, and a mail then calls
them by number.
"""

from shared.migrations import plumbing

revision = "n0007"
down_revision = "n0006"


def upgrade() -> None:
    """Make the tables and add the columns."""
    plumbing.run(
        """
        create table company (
            company_id uuid primary key,
            version int not null,
            name text not null,
            suggestible boolean not null
        );
        create table suggestion (
            need_id uuid primary key,
            version int not null,
            need_version int not null,
            region text not null,
            lead_id uuid not null,
            members uuid[] not null,
            provinces text[] not null,
            coverage jsonb not null,
            gaps int[] not null
        );
        create index suggestion_members on suggestion using gin (members);
        alter table need
            add column parts jsonb not null default '[]',
            add column closed boolean not null default false;
        update need set version = 0;
        """
    )
