"""All schemas in one file: PostgreSQL's own pg_dump, in a snapshot that somebody else holds, and pg_restore."""

import asyncio
from pathlib import Path

from deploy.embedded.platform import Platform
from deploy.embedded.postgres import binary
from deploy.embedded.secrets import SUPERUSER
from deploy.problems import Problem
from deploy.provision.database import anew
from deploy.provision.run import provision_database
from deploy.settings import LOOPBACK


async def dump(platform: Platform, snapshot: str, file: Path) -> None:
    """Write the database as the snapshot shows it; whoever holds the snapshot holds it until this returns."""
    await _run(platform, "pg_dump", "--format=custom", f"--snapshot={snapshot}", f"--file={file}")


async def restore(platform: Platform, file: Path) -> None:
    """Put a dump in the place of the database, and bring its schemas to this version.

    The roles are the platform's own, with passwords of its own; the dump has none.
    """
    url = platform.database_url(SUPERUSER)
    await anew(url, platform.manifest.database)
    await _run(platform, "pg_restore", "--exit-on-error", "--single-transaction", str(file))
    await provision_database(url, platform.secrets.passwords, platform.manifest)


async def _run(platform: Platform, program: str, *arguments: str) -> None:
    where = (f"--host={LOOPBACK}", f"--port={platform.settings.postgres_port}", f"--username={SUPERUSER}")
    process = await asyncio.create_subprocess_exec(
        binary(program),
        *where,
        f"--dbname={platform.manifest.database}",
        "--no-password",
        *arguments,
        env={"PGPASSWORD": platform.secrets.passwords[SUPERUSER]},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, errors = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise Problem(f"{program} did not do its work:", errors.decode(errors="replace").strip())
