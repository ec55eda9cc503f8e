"""Who did what to which objects, when, by which request."""

from shared.migrations import plumbing

revision = "n0002"
down_revision = "n0001"


def upgrade() -> None:
    """Make the audit log."""
    plumbing.create_audit()
