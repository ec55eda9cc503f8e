"""Who has shared a contact: by it a person's own data is found.

As of version 0, any event is newer: a copy from before has no subject until its next event, or until the topic is read
again. Until then it is not among what the person is told.
"""

from shared.migrations import plumbing

revision = "n0005"
down_revision = "n0004"


def upgrade() -> None:
    """Add the column."""
    plumbing.run(
        """
        alter table contact add column subject text;
        create index contact_subject on contact (subject);
        update contact set version = 0;
        """
    )
