"""What the backup command does: groups' offsets, then the database, then the topics, into a folder that comes whole."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.backup import contents, database, groups, ledgers, reading
from deploy.backup.contents import Contents, Topic
from deploy.backup.moment import moment
from deploy.embedded import state
from deploy.embedded.platform import Platform
from deploy.embedded.secrets import SUPERUSER
from deploy.embedded.steps import Steps
from deploy.manifest import ADMIN
from deploy.problems import Problem, disk
from deploy.provision.admin import administering
from deploy.provision.database import versions
from deploy.waiting import abandonable, stoppable

ELSEWHERE = "Name a folder for the backup that is not there yet."


async def take(platform: Platform, folder: Path, steps: Steps) -> Contents:
    """Back up a platform that goes on running.

    The order makes the three fit: what a group has read is in the database, and what the database knows of the
    topics is on them.

    Args:
        platform: as it runs.
        folder: absolute; not there yet, or empty.
        steps: where they are told.

    Raises:
        Problem: nothing runs, or the folder cannot be made.
    """
    _check(platform, folder)
    alone = state.alone(platform.settings.state, "Another backup of this platform is being made.", lock="backup")
    with alone, _beside(folder) as made, administering(platform.kafka(ADMIN)) as admin:
        topics = platform.manifest.topics
        with steps.step("Groups' offsets"):
            found = await abandonable(groups.positions, admin, {topic.name for topic in topics})
            groups.save(made / contents.GROUPS, found)
        url = platform.database_url(SUPERUSER)
        schemas = await versions(url, platform.manifest)
        places = [(topic.name, partition) for topic in topics for partition in range(topic.partitions)]
        with steps.step("Database"):
            async with moment(url, admin, places) as held:
                contents.create(made / contents.DATABASE).close()
                await database.dump(platform, held.snapshot, made / contents.DATABASE)
        with steps.step("Topics"):
            saved = await stoppable(reading.save, platform.kafka(ADMIN), held.ends, made)
        kept = {topic.name: Topic(partitions=topic.partitions, records=saved[topic.name]) for topic in topics}
        contents.close(made, Contents(at=held.at, schemas=schemas, topics=kept))
        ledgers.join(platform.ledgers, folder)
    return contents.read(folder)


def _check(platform: Platform, folder: Path) -> None:
    if not all(platform.processes.runs(name) for name in ("kafka", "postgres")):
        raise Problem("Kafka and PostgreSQL do not run here, so there is nothing to back up.", "Run: i2pcc up")
    if folder.is_relative_to(platform.settings.state):
        raise Problem(f"{folder} is in the state folder, and would be lost with it.", ELSEWHERE, code=2)
    with disk(folder):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise Problem(f"{folder} is there already, and not empty.", ELSEWHERE, code=2)


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A folder that takes its place when all is well, and else is gone, as is what a killed command has left."""
    made = folder.with_name(f"{folder.name}.partial")
    with disk(folder.parent, ELSEWHERE):
        if (made / contents.TOPICS).is_dir():
            shutil.rmtree(made)
        folder.parent.mkdir(parents=True, exist_ok=True)
        made.mkdir(mode=0o700)
        (made / contents.TOPICS).mkdir(mode=0o700)
        try:
            yield made
            made.rename(folder)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
