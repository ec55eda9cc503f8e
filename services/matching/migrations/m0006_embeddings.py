"""Vectors of texts, kept by what they are of: matching anew embeds no text twice."""

from shared.migrations import plumbing

revision = "m0006"
down_revision = "m0005"


def upgrade() -> None:
    """Make the table."""
    plumbing.run(
        """
        create table embedding (
            model text,
            hash bytea,
            vector bytea not null,
            primary key (model, hash)
        );
        """
    )
