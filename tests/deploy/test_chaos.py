"""Chaos finds what it is there to find: an effect that is missing, one that came twice, a version that was left out."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from deploy.chaos.faults import FAULTS
from deploy.chaos.invariants import Findings, effects, versions_of
from deploy.chaos.ledger import Command, Ledger
from deploy.chaos.load import AMPLE, made_by
from deploy.chaos.run import chaos
from deploy.problems import Problem
from shared.events import Event, NeedPosted, NeedRevised, ProposalSubmitted
from tests.facts import received

NEED = UUID(int=7)


def needs(*versions: int, number: int = 1) -> list[Any]:
    """What was said of a need that a command of that number made."""
    budget = {"most": AMPLE + number, "currency": "EUR"}
    return [
        received(NeedPosted if version == 1 else NeedRevised, need_id=NEED, version=version, budget=budget)
        for version in versions
    ]


def ledger(tmp_path: Path, *answers: tuple[int, int]) -> Ledger:
    """Commands that were answered with these statuses and versions."""
    made = Ledger(tmp_path / "ledger.jsonl")
    for number, (status, version) in enumerate(answers, 1):
        command = Command(number, "regions", "POST", "/needs", {}, NeedPosted.topic, "need_id")
        made.send(command)
        command.status, command.id, command.version = status, str(NEED), version
        made.answer(command)
    made.close()
    return made


def found_of(made: Ledger, *told: Sequence[Event]) -> Findings:
    """What is found of the ledger's commands when this was told of as many needs."""
    found = Findings()
    aggregates = [(NeedPosted.topic, str(NEED)), *((NeedPosted.topic, str(uuid4())) for _ in told[1:])]
    effects(made, dict(zip(aggregates, told, strict=True)), found)
    return found


def test_what_was_acknowledged_and_told_is_fine(tmp_path: Path) -> None:
    assert found_of(ledger(tmp_path, (201, 1)), needs(1)).all == []


def test_what_was_acknowledged_and_is_nowhere_is_lost(tmp_path: Path) -> None:
    found = found_of(ledger(tmp_path, (201, 1), (200, 2)), needs(1))
    assert len(found.lost) == 1
    assert "command 2" in found.lost[0]


def test_a_command_that_made_two_things_is_doubled(tmp_path: Path) -> None:
    assert len(found_of(ledger(tmp_path, (201, 1)), needs(1), needs(1)).doubled) == 1
    assert found_of(ledger(tmp_path, (201, 1)), needs(1), needs(1, number=2)).all == []


def test_a_good_command_that_was_refused_is_wrong(tmp_path: Path) -> None:
    assert len(found_of(ledger(tmp_path, (409, 1)), needs(1)).wrong) == 1


@pytest.mark.parametrize("versions", [(1, 3), (2, 1), (1, 2, 4)])
def test_versions_with_a_gap_or_out_of_order_are_wrong(versions: tuple[int, ...]) -> None:
    found = Findings()
    versions_of((NeedPosted.topic, str(NEED)), needs(*versions), found)
    assert len(found.wrong) == 1


def test_an_event_that_comes_again_is_a_copy_and_two_of_one_version_are_not() -> None:
    first, second = needs(1, 2)
    found = Findings()
    versions_of((NeedPosted.topic, str(NEED)), [first, second, first], found)
    assert found.all == []
    versions_of((NeedPosted.topic, str(NEED)), [*needs(1), *needs(1)], found)
    assert len(found.doubled) == 1


def test_what_a_command_made_is_known_by_its_money() -> None:
    price = {"least": 12, "most": AMPLE, "currency": "EUR"}
    offered = received(ProposalSubmitted, proposal_id=uuid4(), price=price)
    assert made_by(offered) == 12
    assert [made_by(each) for each in needs(1, number=9)] == [9]
    assert made_by(received(ProposalSubmitted, proposal_id=uuid4())) is None


def test_a_fault_that_there_is_not_is_told_with_those_that_there_are() -> None:
    with pytest.raises(Problem) as problem:
        chaos(["flood"], 1, 1, None)
    assert all(fault.name in problem.value.hint for fault in FAULTS)


def test_a_process_dies_at_a_failpoint_each_so_many_times_and_says_where() -> None:
    script = "from shared.failpoints import reached\nfor n in range(9): print(n, flush=True); reached('here')"
    command = [sys.executable, "-c", script]
    died = subprocess.run(command, env={"I2PCC_FAILPOINTS": "there=1,here=3"}, capture_output=True, text=True)
    assert (died.returncode, died.stdout.split(), died.stderr) == (-9, ["0", "1", "2"], "failpoint here\n")
    lived = subprocess.run(command, env={}, capture_output=True, text=True)
    assert (lived.returncode, lived.stderr) == (0, "")
