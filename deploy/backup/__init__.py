"""A copy of everything that the platform knows, and the way back: docs/adr/0013-backup.md says what makes it one."""
