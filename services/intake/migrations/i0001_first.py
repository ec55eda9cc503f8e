"""Companies, contacts, consortia, proposals."""

from shared.migrations import plumbing

revision = "i0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    plumbing.create_v1()
    plumbing.run(
        """
        create table company (
            company_id uuid primary key,
            version int not null,
            enterprise_number text not null unique,
            name text not null,
            province text not null,
            languages text[] not null,
            created_at timestamptz not null default now()
        );
        create table contact (
            contact_id uuid primary key,
            version int not null,
            subject text not null,
            company_id uuid not null,
            organisation text not null,
            name text not null,
            mail text not null,
            phone text,
            language text not null,
            created_at timestamptz not null default now()
        );
        create table consortium (
            consortium_id uuid primary key,
            version int not null,
            title text not null,
            lead_id uuid not null references company,
            parts jsonb not null,
            closed boolean not null,
            created_at timestamptz not null default now()
        );
        create table proposal (
            proposal_id uuid primary key,
            version int not null,
            title text not null,
            body text not null,
            language text not null,
            challenges int[] not null,
            lead_id uuid not null references company,
            members uuid[] not null,
            provinces text[] not null,
            consortium_id uuid unique references consortium,
            contact_id uuid not null,
            withdrawn boolean not null,
            created_at timestamptz not null default now()
        );
        create index proposal_members on proposal using gin (members);
        """
    )
