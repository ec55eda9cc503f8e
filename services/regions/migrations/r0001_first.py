"""Contacts and needs."""

from shared.migrations import plumbing

revision = "r0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    plumbing.create_v1()
    plumbing.run(
        """
        create table contact (
            contact_id uuid primary key,
            version int not null,
            subject text not null,
            region text not null,
            organisation text not null,
            name text not null,
            mail text not null,
            phone text,
            language text not null,
            created_at timestamptz not null default now()
        );
        create table need (
            need_id uuid primary key,
            version int not null,
            region text not null,
            title text not null,
            body text not null,
            language text not null,
            challenges int[] not null,
            deadline date,
            contact_id uuid not null,
            closed boolean not null,
            created_at timestamptz not null default now()
        );
        create index need_region on need (region, need_id);
        """
    )
