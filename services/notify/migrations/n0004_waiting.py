"""An outbox row may wait until it is due."""

from shared.migrations import plumbing

revision = "n0004"
down_revision = "n0003"


def upgrade() -> None:
    """Add the column."""
    plumbing.let_outbox_wait()
