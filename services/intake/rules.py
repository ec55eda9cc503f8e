"""Intake's decisions: values in, a decision out."""

from enum import StrEnum
from uuid import UUID

from stdnum.be import vat
from stdnum.exceptions import InvalidChecksum, ValidationError

from shared.events import ProposalKind, Teaser
from shared.problems import invalid


class ProposalState(StrEnum):
    """Where a proposal stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    WITHDRAWN = "withdrawn"
    DISCARDED = "discarded"


class ProposalStep(StrEnum):
    """What is done with a proposal."""

    EDIT = "edit"
    SUBMIT = "submit"
    DISCARD = "discard"
    REVISE = "revise"
    WITHDRAW = "withdraw"


PROPOSAL_LIFE = {
    (ProposalState.DRAFT, ProposalStep.EDIT): ProposalState.DRAFT,
    (ProposalState.DRAFT, ProposalStep.SUBMIT): ProposalState.SUBMITTED,
    (ProposalState.DRAFT, ProposalStep.DISCARD): ProposalState.DISCARDED,
    (ProposalState.SUBMITTED, ProposalStep.REVISE): ProposalState.SUBMITTED,
    (ProposalState.SUBMITTED, ProposalStep.WITHDRAW): ProposalState.WITHDRAWN,
}
"""A draft is its company's own; the lead and the coordinator of its province take the other steps."""


def normal_number(enterprise_number: str) -> str:
    """The ten digits of a Belgian enterprise number, checked.

    Raises:
        Problem: 422 for another length or wrong check digits.
    """
    try:
        number = vat.validate(enterprise_number)
    except InvalidChecksum:
        raise invalid("body.enterprise_number", "its last two digits do not check; is a digit mistyped?") from None
    except ValidationError:
        why = "must be ten digits and begin with 0 or 1, such as 0123.456.749"
        raise invalid("body.enterprise_number", why) from None
    return str(number)


def check_proposal(kind: ProposalKind, teaser: Teaser, summary: str | None, consortium_id: UUID | None) -> None:
    """What a proposal says fits together.

    Raises:
        Problem: 422, naming the field that is missing or does not fit.
    """
    if teaser is Teaser.SUMMARY and summary is None:
        raise invalid("body.summary", "is missing: it is what the teaser `summary` shows; or choose another teaser")
    if kind is ProposalKind.INTEREST and consortium_id is not None:
        why = "an interest is one company's own: leave consortium_id out, or make it a proposal"
        raise invalid("body.kind", why)
