"""Bring one service's schema to its newest version."""

from pathlib import Path

from alembic import command
from alembic.config import Config

HERE = Path(__file__).parent


def config(service: str, url: str) -> Config:
    """Alembic's settings for a service; the role in `url` owns the schema of the service's name."""
    made = Config()
    made.set_main_option("script_location", str(HERE / "migrations"))
    made.set_main_option("version_locations", str(HERE.parent / "services" / service / "migrations"))
    made.set_main_option("path_separator", "newline")
    made.attributes.update(schema=service, url=url.replace("postgresql://", "postgresql+asyncpg://", 1))
    return made


def upgrade(service: str, url: str) -> None:
    """Run the service's migrations that have not run yet.

    Args:
        service: the service's name, which is its schema's.
        url: postgresql:// of the migrator's role.
    """
    command.upgrade(config(service, url), "head")
