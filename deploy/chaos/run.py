"""Makes one fault after the other under load, and shows what was lost."""

import logging
import random
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from deploy import interrupts
from deploy.chaos.faults import FAULTS, Fault
from deploy.chaos.invariants import Before, Findings, check
from deploy.chaos.ledger import Ledger
from deploy.chaos.load import Load
from deploy.chaos.scene import Scene
from deploy.chaos.settling import settle, waiting
from deploy.embedded.platform import Platform
from deploy.problems import Problem
from deploy.screen import Screen, console, headed
from deploy.settings import Settings

SHOWN = 5
"""Most findings of a fault that are shown."""


@dataclass(frozen=True)
class Outcome:
    """What became of the commands that were sent while a fault was made."""

    fault: str
    sent: int
    acknowledged: int
    lost: int
    doubled: int
    recovery_s: float | None
    """Seconds from the end of fault and load until nothing waited any more; None: something still does."""
    findings: tuple[str, ...]
    """Everything that must not be, in words."""
    mail_copies: int
    told: tuple[str, ...]
    """What the fault has measured, in sentences."""


def chaos(names: Sequence[str], seconds: float | None, seed: int | None, file: Path | None) -> bool:
    """Make these faults, or all; whether nothing was lost, doubled or wrong."""
    faults = _chosen(names)
    for noisy in ("aiokafka", "aiokafka.conn"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)  # that the broker is away is what we made
    seed = random.randrange(1_000_000) if seed is None else seed
    console.print(f"Seed {seed}: the same faults are made with --seed {seed}.")
    outcomes = interrupts.run(_run(faults, seconds, seed))
    _show(outcomes)
    if file:
        file.write_bytes(orjson.dumps([asdict(each) for each in outcomes], option=orjson.OPT_INDENT_2))
    return not any(each.findings for each in outcomes)


def _chosen(names: Sequence[str]) -> Sequence[Fault]:
    known = {name: fault for fault in FAULTS for name in (fault.name, str(fault.number))}
    for name in names:
        if name not in known:
            raise Problem(
                f"There is no fault {name}.", f"There are: {', '.join(f'{f.number} {f.name}' for f in FAULTS)}.", code=2
            )
    return [known[name] for name in names] or FAULTS


async def _run(faults: Sequence[Fault], seconds: float | None, seed: int) -> list[Outcome]:
    """Each fault has a platform of its own: what is made depends on the seed alone, and matches do not pile up."""
    outcomes = []
    with Screen() as screen:
        for fault in faults:
            with (
                screen.step(f"{fault.number} {fault.name}: {fault.about}"),
                tempfile.TemporaryDirectory(prefix="i2pcc-chaos-") as folder,
            ):
                platform = Platform(Settings.for_tests(Path(folder) / "state"))
                try:
                    await platform.start()
                    outcomes.append(await _trial(platform, fault, seconds or fault.seconds, seed, Path(folder)))
                finally:
                    await platform.stop()
    return outcomes


async def _trial(platform: Platform, fault: Fault, seconds: float, seed: int, folder: Path) -> Outcome:
    """Make one fault. That it could not be made, or not under load, is a finding as well."""
    dice = random.Random(f"{seed} {fault.name}")
    ledger = Ledger(folder / f"{fault.name}.jsonl")
    scene, load = Scene(platform, dice, ledger), Load(platform, ledger, dice)
    found = Findings()
    before = await Before.of(scene)
    async with load.running():
        try:
            await fault.make(scene, seconds)
        except Problem as problem:
            found.wrong.append(f"{problem} {problem.hint}".strip())
            await platform.start()
    quiet = await settle(scene)
    await check(scene, before, found)
    if quiet is None:
        found.wrong.append(f"it did not settle: {await waiting(scene)}")
    ledger.close()
    if not ledger.acknowledged:
        found.wrong.append("no command was acknowledged, so nothing was tested")
    return Outcome(
        fault=fault.name,
        sent=len(ledger.commands),
        acknowledged=len(ledger.acknowledged),
        lost=len(found.lost),
        doubled=len(found.doubled),
        recovery_s=None if quiet is None else round(quiet, 1),
        findings=tuple(found.all),
        mail_copies=found.copies,
        told=tuple(scene.told),
    )


def _show(outcomes: Sequence[Outcome]) -> None:
    table = headed("fault", "sent", "acknowledged", "lost", "doubled", "seconds to recover", "mail copies")
    for each in outcomes:
        recovered = "never" if each.recovery_s is None else f"{each.recovery_s}"
        row = (each.sent, each.acknowledged, each.lost, each.doubled, recovered, each.mail_copies)
        table.add_row(each.fault, *map(str, row))
    console.print(table)
    for each in outcomes:
        for sentence in each.told:
            console.print(f"{each.fault}: {sentence}", soft_wrap=True)
        for finding in each.findings[:SHOWN]:
            console.print(f"[bold red]{each.fault}[/]: {finding}", soft_wrap=True)
        if (more := len(each.findings) - SHOWN) > 0:
            console.print(f"{each.fault}: and {more} more", soft_wrap=True)
