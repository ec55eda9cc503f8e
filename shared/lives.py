"""A life is a table, (state, step) to state: what is not in it is not possible, and the 409 says what is."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from shared.problems import conflict

State = TypeVar("State", bound=StrEnum)
Step = TypeVar("Step", bound=StrEnum)


def after(life: Mapping[tuple[State, Step], State], what: str, state: State, step: Step) -> State:
    """Where a step leads.

    Raises:
        Problem: 409, if it leads nowhere; it lists the steps that do.
    """
    if (state, step) in life:
        return life[state, step]
    raise conflict(f"This {what} is {state}: {step} is not possible; {possible(life, state)}.")


def possible(life: Mapping[tuple[State, Step], State], state: State) -> str:
    """The steps that can be taken in a state, in words."""
    steps = [str(step) for held, step in life if held is state]
    return f"possible now: {', '.join(steps)}" if steps else "nothing is possible any more, make a new one"


def check_version(what: str, held: int, seen: int) -> None:
    """Whoever changes something has read what it is now.

    Raises:
        Problem: 409.
    """
    if held != seen:
        raise conflict(f"The {what} is at version {held}; read it again before you change it.")
