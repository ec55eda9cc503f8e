"""What was answered, with what had been seen of the pair, and what was learned from it."""

from shared.migrations import plumbing

revision = "m0009"
down_revision = "m0008"


def upgrade() -> None:
    """Make the tables and add the column. What was answered until now was scored in another way: it teaches nothing."""
    plumbing.run(
        """
        alter table match add column signals jsonb;
        create table training_row (
            match_id uuid,
            version int,
            need_id uuid not null,
            step text not null,
            objection text,
            outcome text,
            good boolean,
            signals jsonb,
            model text not null,
            at timestamptz not null default now(),
            primary key (match_id, version)
        );
        create table combiner (
            version int generated always as identity primary key,
            bias double precision not null,
            weights jsonb not null,
            figures jsonb not null,
            made_at timestamptz not null default now(),
            active boolean not null
        );
        create unique index combiner_active on combiner (active) where active;
        """
    )
