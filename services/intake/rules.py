"""Intake's decisions: values in, a decision out."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from shared.events import Part, PartState
from shared.problems import conflict, invalid, not_found


def normal_number(enterprise_number: str) -> str:
    """The ten digits of a Belgian enterprise number, checked (97 minus the first eight modulo 97).

    Raises:
        Problem: 422 for another length or wrong check digits.
    """
    digits = "".join(character for character in enterprise_number if character.isdecimal() and character.isascii())
    if len(digits) != 10 or digits[0] not in "01":
        raise invalid("body.enterprise_number", "must be ten digits and begin with 0 or 1, such as 0123.456.749")
    if 97 - int(digits[:8]) % 97 != int(digits[8:]):
        raise invalid("body.enterprise_number", "its last two digits do not check; is a digit mistyped?")
    return digits


def check_puzzle(lead: UUID, owners: Sequence[UUID]) -> None:
    """Every part has an owner other than the lead, and no company comes twice.

    Raises:
        Problem: 422.
    """
    if lead in owners:
        raise invalid("body.parts", "the lead brings its own part; name the other companies only")
    if len(set(owners)) != len(owners):
        raise invalid("body.parts", "no company may come twice")


def answer_part(parts: Iterable[Part], part_id: UUID, company: UUID, state: PartState, *, closed: bool) -> list[Part]:
    """The parts after one contributor's answer.

    Raises:
        Problem: 404 if this is not the company's part; 409 if it can no longer be answered.
    """
    parts = list(parts)
    mine = next((part for part in parts if part.part_id == part_id and part.company_id == company), None)
    if mine is None:
        raise not_found("part")
    if closed:
        raise conflict("The consortium's proposal has been submitted; its parts no longer change.")
    if mine.state is not PartState.OPEN:
        raise conflict(f"This part was {mine.state} already.")
    return [part.model_copy(update={"state": state}) if part is mine else part for part in parts]


def members(lead: UUID, parts: Iterable[Part]) -> list[UUID]:
    """A consortium's companies, the lead first.

    Raises:
        Problem: 409 while a part is open or declined.
    """
    parts = list(parts)
    if missing := [part.title for part in parts if part.state is not PartState.CONFIRMED]:
        raise conflict(f"Not every part is confirmed yet: {', '.join(missing)}.")
    return [lead, *(part.company_id for part in parts)]
