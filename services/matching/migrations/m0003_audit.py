"""Who did what to which objects, when, by which request."""

from shared.migrations import plumbing

revision = "m0003"
down_revision = "m0002"


def upgrade() -> None:
    """Make the audit log."""
    plumbing.create_audit()
