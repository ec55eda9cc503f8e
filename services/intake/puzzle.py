"""Decisions about a consortium's puzzle and the invitations to it: values in, a decision out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from shared.lives import after
from shared.problems import conflict, invalid, not_found


class ConsortiumState(StrEnum):
    """Where a consortium stands."""

    OPEN = "open"
    CLOSED = "closed"


class ConsortiumStep(StrEnum):
    """What is done with a consortium."""

    REVISE = "revise"
    INVITE = "invite"
    ANSWER = "answer"
    SUBMIT = "submit"


CONSORTIUM_LIFE = {
    (ConsortiumState.OPEN, ConsortiumStep.REVISE): ConsortiumState.OPEN,
    (ConsortiumState.OPEN, ConsortiumStep.INVITE): ConsortiumState.OPEN,
    (ConsortiumState.OPEN, ConsortiumStep.ANSWER): ConsortiumState.OPEN,
    (ConsortiumState.OPEN, ConsortiumStep.SUBMIT): ConsortiumState.CLOSED,
}
"""Contributors and those who were invited answer; the lead takes the other steps."""


class PartState(StrEnum):
    """Where one part of the puzzle stands: as the events say it, or wanted, or gone."""

    WANTED = "wanted"
    OPEN = "open"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    DROPPED = "dropped"


class PartStep(StrEnum):
    """What is done with a part."""

    SEEK = "seek"
    ASK = "ask"
    INVITE = "invite"
    DROP = "drop"
    CONFIRM = "confirm"
    DECLINE = "decline"


PART_LIFE = {
    (PartState.WANTED, PartStep.SEEK): PartState.WANTED,
    (PartState.WANTED, PartStep.ASK): PartState.OPEN,
    (PartState.WANTED, PartStep.INVITE): PartState.WANTED,
    (PartState.WANTED, PartStep.DROP): PartState.DROPPED,
    (PartState.WANTED, PartStep.CONFIRM): PartState.CONFIRMED,
    (PartState.WANTED, PartStep.DECLINE): PartState.WANTED,
    (PartState.OPEN, PartStep.CONFIRM): PartState.CONFIRMED,
    (PartState.OPEN, PartStep.DECLINE): PartState.DECLINED,
    (PartState.OPEN, PartStep.DROP): PartState.DROPPED,
    (PartState.DECLINED, PartStep.SEEK): PartState.WANTED,
    (PartState.DECLINED, PartStep.ASK): PartState.OPEN,
    (PartState.DECLINED, PartStep.INVITE): PartState.WANTED,
    (PartState.DECLINED, PartStep.DROP): PartState.DROPPED,
}
"""Who is asked confirms or declines, a wanted part by an invitation's token; the lead takes the other steps."""


class InvitationState(StrEnum):
    """Where an invitation stands. `expired` is kept nowhere: it follows from the time."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    ENDED = "ended"
    EXPIRED = "expired"


INVITATION_LIFE = {
    (InvitationState.OPEN, PartStep.CONFIRM): InvitationState.CONFIRMED,
    (InvitationState.OPEN, PartStep.DECLINE): InvitationState.DECLINED,
}
"""Once, by whoever has the token."""


@dataclass(frozen=True)
class Piece:
    """One part of a puzzle, whether somebody was asked to bring it or not."""

    part_id: UUID
    title: str
    company_id: UUID | None
    state: PartState


@dataclass(frozen=True)
class Wish:
    """A part as the lead would have it; `part_id` names one that is there already."""

    part_id: UUID | None
    title: str
    company_id: UUID | None


def check_owners(lead: UUID, owners: Iterable[UUID | None]) -> None:
    """No part is the lead's own, and no company has two.

    Raises:
        Problem: 422.
    """
    named = [owner for owner in owners if owner is not None]
    if lead in named:
        raise invalid("body.parts", "the lead brings its own part; name the other companies only")
    if len(set(named)) != len(named):
        raise invalid("body.parts", "no company may come twice")


def revised(pieces: Sequence[Piece], wishes: Sequence[Wish]) -> list[Piece]:
    """The parts as the lead would have them; what it does not name is dropped.

    Raises:
        Problem: 422 for a part that is not there, or comes twice; 409 for one that can no longer be changed so.
    """
    held = {piece.part_id: piece for piece in pieces}
    named = [wish.part_id for wish in wishes if wish.part_id is not None]
    if not held.keys() >= set(named):
        raise invalid("body.parts", "a part_id is none of this consortium; leave it out where a part is new")
    if len(set(named)) != len(named):
        raise invalid("body.parts", "no part may come twice")
    for gone in held.keys() - set(named):
        after(PART_LIFE, f"part ({held[gone].title})", held[gone].state, PartStep.DROP)
    return [_wished(held.get(wish.part_id) if wish.part_id else None, wish) for wish in wishes]


def _wished(piece: Piece | None, wish: Wish) -> Piece:
    if piece is None:
        state = PartState.OPEN if wish.company_id else PartState.WANTED
        return Piece(uuid4(), wish.title, wish.company_id, state)
    if (piece.title, piece.company_id) == (wish.title, wish.company_id):
        return piece
    step = PartStep.ASK if wish.company_id else PartStep.SEEK
    state = after(PART_LIFE, f"part ({piece.title})", piece.state, step)
    return replace(piece, title=wish.title, company_id=wish.company_id, state=state)


def answered(pieces: Iterable[Piece], part_id: UUID, company: UUID, step: PartStep) -> list[Piece]:
    """The parts after the answer of a company that was asked.

    Raises:
        Problem: 404 if this is not the company's part; 409 if it can no longer be answered.
    """
    return _moved(pieces, _found(pieces, part_id, company), step, company)


def sought(pieces: Iterable[Piece], part_id: UUID) -> list[Piece]:
    """The parts once somebody is invited to bring this one.

    Raises:
        Problem: 404, there is no such part; 409, a company has it.
    """
    return _moved(pieces, _found(pieces, part_id), PartStep.INVITE, None)


def taken(pieces: Iterable[Piece], lead: UUID, part_id: UUID, company: UUID) -> list[Piece]:
    """The parts once an invited company has confirmed a wanted one.

    Raises:
        Problem: 409, the company takes part already.
    """
    if company == lead:
        raise conflict("Your company leads this consortium; the token is for another one.")
    if held := next((piece for piece in pieces if piece.company_id == company), None):
        raise conflict(
            f"Your company has a part of this consortium already, {held.title}, which is {held.state}; it brings no "
            "second one. Unless that one is confirmed, the lead can take it from you first."
        )
    return _moved(pieces, _found(pieces, part_id), PartStep.CONFIRM, company)


def confirmed(pieces: Iterable[Piece], *, without_open_parts: bool) -> list[Piece]:
    """The parts that a proposal is submitted with.

    Raises:
        Problem: 409 while a part is not confirmed, unless those are left out; and if nothing is left then.
    """
    ready = [piece for piece in pieces if piece.state is PartState.CONFIRMED]
    if (missing := [piece.title for piece in pieces if piece not in ready]) and not without_open_parts:
        raise conflict(
            f"Not every part is confirmed yet: {', '.join(missing)}. "
            "With `without_open_parts: true` the proposal is submitted without them."
        )
    if not ready:
        raise conflict(
            "No part is confirmed yet; wait for one, or submit a proposal of your own, without a consortium."
        )
    return ready


def standing(state: InvitationState, expires_at: datetime, now: datetime) -> InvitationState:
    """Where an invitation stands at a time."""
    return InvitationState.EXPIRED if state is InvitationState.OPEN and expires_at <= now else state


def answer_invitation(state: InvitationState, step: PartStep) -> InvitationState:
    """Where an invitation stands once it is answered.

    Raises:
        Problem: 409, if it was answered, has expired or was ended; it says what to do.
    """
    if (state, step) not in INVITATION_LIFE:
        raise conflict(f"This invitation is {state}; ask the company that leads the consortium for a new one.")
    return INVITATION_LIFE[state, step]


def _found(pieces: Iterable[Piece], part_id: UUID, company: UUID | None = None) -> Piece:
    for piece in pieces:
        if piece.part_id == part_id and company in (None, piece.company_id):
            return piece
    raise not_found("part")


def _moved(pieces: Iterable[Piece], piece: Piece, step: PartStep, company: UUID | None) -> list[Piece]:
    moved = replace(piece, state=after(PART_LIFE, "part", piece.state, step), company_id=company)
    return [moved if each is piece else each for each in pieces]
