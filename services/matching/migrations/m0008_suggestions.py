"""Which companies could cover a need's parts together, and which consortium a proposal is of.

A proposal from before has no consortium until it is revised: what it covers is read from its own title.
"""

from shared.migrations import plumbing

revision = "m0008"
down_revision = "m0007"


def upgrade() -> None:
    """Make the table and add the column."""
    plumbing.run(
        """
        alter table proposal add column consortium_id uuid;
        create table suggestion (
            suggestion_id uuid primary key,
            need_id uuid not null,
            version int not null,
            need_version int not null,
            region text not null,
            lead_id uuid not null,
            members uuid[] not null,
            provinces text[] not null,
            coverage jsonb not null,
            gaps int[] not null,
            score double precision not null,
            model text not null,
            unique (need_id, version)
        );
        create index suggestion_members on suggestion using gin (members);
        alter table to_match drop constraint to_match_kind_check;
        alter table to_match add check (kind in ('need', 'proposal', 'company', 'consortium'));
        """
    )
