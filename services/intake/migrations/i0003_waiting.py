"""An outbox row may wait until it is due."""

from shared.migrations import plumbing

revision = "i0003"
down_revision = "i0002"


def upgrade() -> None:
    """Add the column."""
    plumbing.let_outbox_wait()
