"""The same work, as people would write it without this platform's plumbing."""
