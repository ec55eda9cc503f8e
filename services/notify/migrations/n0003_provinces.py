"""A match's provinces, by which its coordinators are known.

A copy from before has none until the match's next event, or until the topic is read again: as of version 0, any event
is newer. Until then nobody reads its mails over HTTP.
"""

from shared.migrations import plumbing

revision = "n0003"
down_revision = "n0002"


def upgrade() -> None:
    """Add the column."""
    plumbing.run(
        """
        alter table match add column provinces text[] not null default '{}';
        update match set version = 0;
        """
    )
