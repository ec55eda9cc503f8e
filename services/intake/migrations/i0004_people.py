"""How often a person wants to hear of what can wait."""

from shared.migrations import plumbing

revision = "i0004"
down_revision = "i0003"


def upgrade() -> None:
    """Add the column; who was there before goes on hearing of everything at once."""
    plumbing.run(
        """
        alter table contact add column digest text not null default 'at_once';
        create index contact_company on contact (company_id, contact_id);
        create index contact_subject on contact (subject);
        """
    )
