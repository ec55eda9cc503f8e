"""Something that is wrong."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What is wrong, where, and the way out."""

    about: str
    """A part of the platform, or the machine."""
    what: str
    remedy: str
