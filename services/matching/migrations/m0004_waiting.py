"""An outbox row may wait until it is due."""

from shared.migrations import plumbing

revision = "m0004"
down_revision = "m0003"


def upgrade() -> None:
    """Add the column."""
    plumbing.let_outbox_wait()
