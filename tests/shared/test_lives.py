"""A step that a life has not is told those that it has; a change is made to what its author has read."""

from enum import StrEnum

import pytest

from shared.lives import after, check_version
from shared.problems import Problem


class Door(StrEnum):
    OPEN = "open"
    SHUT = "shut"
    WALLED = "walled up"


class Act(StrEnum):
    PUSH = "push"
    PULL = "pull"
    WALL = "wall up"


LIFE = {(Door.OPEN, Act.PUSH): Door.SHUT, (Door.SHUT, Act.PULL): Door.OPEN, (Door.SHUT, Act.WALL): Door.WALLED}


@pytest.mark.parametrize("state", Door)
@pytest.mark.parametrize("step", Act)
def test_a_step_leads_where_the_table_says_or_is_told_what_does(state: Door, step: Act) -> None:
    if (state, step) in LIFE:
        assert after(LIFE, "door", state, step) is LIFE[state, step]
        return
    with pytest.raises(Problem, match=f"This door is {state}: {step} is not possible; ") as refused:
        after(LIFE, "door", state, step)
    assert refused.value.status == 409
    assert all(other in str(refused.value) for held, other in LIFE if held is state)
    assert ("make a new one" in str(refused.value)) is (state is Door.WALLED)


@pytest.mark.parametrize("seen", [2, 4, 10**30])
def test_who_changes_something_has_read_its_newest_version(seen: int) -> None:
    check_version("door", 3, 3)
    with pytest.raises(Problem, match="door is at version 3; read it again") as refused:
        check_version("door", 3, seen)
    assert refused.value.status == 409
