"""Two headers that the standard library folds so that a reader, or a mail program, sees something else than we say."""

from email.header import Header
from email.headerregistry import BaseHeader, HeaderRegistry, UniqueUnstructuredHeader
from email.policy import Policy, default


class _Subject(UniqueUnstructuredHeader, BaseHeader):  # type: ignore[misc]  # they differ in the stubs alone
    """Encoded whole: encoded in pieces, a line that breaks between two of them gains a space."""

    def fold(self, *, policy: Policy) -> str:
        """The lines of it."""
        if self.isascii():
            return super().fold(policy=policy)
        return f"Subject: {Header(self, 'utf-8', header_name='Subject').encode(linesep=policy.linesep)}{policy.linesep}"


class _Address(UniqueUnstructuredHeader, BaseHeader):  # type: ignore[misc]  # they differ in the stubs alone
    """On one line: a long address would be encoded, and no mail program decodes it here (RFC 2369, 2)."""

    def fold(self, *, policy: Policy) -> str:
        """The one line."""
        return f"{self.name}: {self}{policy.linesep}"


_registry = HeaderRegistry()
_registry.map_to_type("subject", _Subject)
_registry.map_to_type("list-unsubscribe", _Address)
POLICY = default.clone(header_factory=_registry)
"""For messages that are made here."""
