"""What the restore command does: a backup becomes the platform of an empty state folder, to be started afterwards."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from deploy.backup import again, contents, database, groups, ledgers, tables
from deploy.backup.contents import Contents
from deploy.backup.moment import ends_of
from deploy.backup.writing import Loaded, load
from deploy.embedded import state
from deploy.embedded.platform import Platform
from deploy.embedded.steps import Steps
from deploy.manifest import ADMIN
from deploy.problems import Problem
from deploy.provision.admin import administering
from deploy.waiting import abandonable, stoppable, whole

ANOTHER = "Another i2pcc command is restoring into this folder."


@dataclass(frozen=True)
class Restored:
    """What is there now."""

    at: datetime
    """The moment that the platform is back at."""
    records: int
    groups: int
    erased: int
    """People who are in the backup and were erased after it, and are erased again."""


async def restore(platform: Platform, folder: Path, erasures: Path | None, steps: Steps) -> Restored:
    """Put a backup where nothing is yet; nothing is made before all of it was found whole.

    Args:
        platform: of the state folder. Its servers run meanwhile, no service does, and nothing runs in the end.
        folder: of the backup.
        erasures: the ledger of who was erased; None: the one beside the backup.
        steps: where they are told.

    Raises:
        Problem: the backup is damaged or of a newer version, its ledger is not there, or something is in the state
            folder.
    """
    with steps.step("Sums of the backup's files"):
        kept = await abandonable(contents.read, folder)
    contents.check_fits(kept, platform.manifest)
    known = ledgers.given(folder, erasures)
    gone = {each.contact_id for each in known}
    async with _empty(platform):
        await platform.start(services=False)
        with steps.step("Database"):
            await database.restore(platform, folder / contents.DATABASE)
        with steps.step("Topics"):
            loaded = await _load(platform, folder, kept, gone)
        with steps.step("Groups' offsets"):
            resumed = await _resume(platform, folder, loaded)
        with steps.step("Erasures"):
            erased = await again.erase(platform, gone)
            ledgers.keep(platform.ledgers, known, folder)
    return Restored(kept.at, sum(loaded.places.ends.values()), resumed, erased)


@asynccontextmanager
async def _empty(platform: Platform) -> AsyncIterator[None]:
    """A state folder with nothing in it, for this command alone; it is left whole, and stopped, or not at all.

    Raises:
        Problem: something is in it.
    """
    folder = platform.settings.state
    if state.is_ours(folder):
        await _remove_half(platform)
    state.prepare(folder)
    with state.alone(folder, ANOTHER, lock=state.RESTORING):
        try:
            yield
            await whole(platform.stop())
            (folder / state.RESTORING).unlink()
        except BaseException:
            await whole(platform.stop(wipe=True))
            raise


async def _remove_half(platform: Platform) -> None:
    """Remove what a restore that was killed has left.

    Raises:
        Problem: it is something else.
    """
    folder = platform.settings.state
    if not (folder / state.RESTORING).exists():
        raise Problem(
            f"{folder} holds a platform already; a backup is restored where nothing is.",
            "Remove it with `i2pcc down --wipe`, or choose another folder: I2PCC_STATE=/path/to/folder",
        )
    with state.alone(folder, ANOTHER, lock=state.RESTORING):
        pass
    await platform.stop(wipe=True)


async def _load(platform: Platform, folder: Path, kept: Contents, gone: Collection[UUID]) -> Loaded:
    """Fill the topics; then nothing is in an outbox that is on its topic, and dead letters know their records again."""
    waiting = await tables.waiting(platform)
    loaded = await stoppable(load, platform.kafka(ADMIN), folder, kept.topics, gone, waiting)
    await tables.drop(platform, loaded.found)
    await tables.move_letters(platform, loaded.places)
    return loaded


async def _resume(platform: Platform, folder: Path, loaded: Loaded) -> int:
    """Have each group go on where it was; how many there are."""
    positions, ends = groups.read(folder / contents.GROUPS), loaded.places.ends
    with administering(platform.kafka(ADMIN)) as admin:
        if await abandonable(ends_of, admin, list(ends)) != ends:
            raise Problem("The topics do not end where the backup does.", "Run the same command again.")
        await abandonable(groups.resume, admin, positions, loaded.places)
    return len({each.group for each in positions})
