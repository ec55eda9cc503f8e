"""The i2pcc command."""


def main() -> None:
    """Run one command."""
