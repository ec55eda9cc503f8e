"""What the platform's numbers are, measured beside peers that do the same work on the same machine in the same run."""
