"""Coordinators are people to reach too; and how often a person wants to hear of what can wait."""

from shared.migrations import plumbing

revision = "r0004"
down_revision = "r0003"


def upgrade() -> None:
    """Add the columns; who was there before is a region's and goes on hearing of everything at once."""
    plumbing.run(
        """
        alter table contact
            alter column region drop not null,
            add column coordinates text,
            add column digest text not null default 'at_once',
            add check (num_nonnulls(region, coordinates) = 1);
        create index contact_region on contact (region, contact_id);
        create index contact_subject on contact (subject);
        """
    )
