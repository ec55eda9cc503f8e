"""A match found when a need comes links to its proposal's trace all the same, so both sides keep theirs."""

from alembic import op

revision = "m0002"
down_revision = "m0001"


def upgrade() -> None:
    """Add the column to both sides."""
    for table in ("need", "proposal"):
        op.execute(f"alter table {table} add column traceparent text")
