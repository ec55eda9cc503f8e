"""The mail worker: sends what is queued once all it needs has arrived, and says when both parties know each other."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from services.notify.mail import Refused, Settings, compose, send
from services.notify.metrics import MAILS
from services.notify.models import Delivery, Invitation
from services.notify.occasions import Occasion, complete, digest_with, is_over, next_due
from services.notify.rules import DeliveryState, Party, Template, can_wait, digest_moment, wait
from shared import audit
from shared.db import Db, Sessions
from shared.events import IntroductionFailed, IntroductionMade
from shared.outbox import emit
from shared.settings import Digests
from shared.telemetry import failed, step
from shared.vocabulary import Digest

ERASED, REFUSED = "a contact was erased", "a mail address was refused"
"""Why an introduction fails."""


async def send_next(sessions: Sessions, now: datetime | None = None) -> bool:
    """Send one mail, if one is due. A crash between the server's yes and our commit sends it once more."""
    async with sessions() as db:
        first = await next_due(db, now)
        if first is None:
            return False
        occasions = await digest_with(db, first, now) if first.delivery.held else [first]
        with step(f"mail {first.template}", first.delivery.traceparent, **_ids(first.delivery)) as span:
            try:
                await _deliver(db, occasions)
            except Exception as error:  # of whatever kind: a mail that cannot be made holds up no other
                failed(span, error)
                MAILS.labels(first.template, "failed").inc()
                _postpone(occasions, error)
        await db.commit()
    return True


async def _deliver(db: Db, occasions: Sequence[Occasion]) -> None:
    telling = [each for each in occasions if not await _ended(db, each)]
    if not telling:
        return
    first = telling[0]
    if _is_held(first):
        return
    await complete(db, telling)
    settings = Settings.read()
    try:
        await send(compose(telling, settings), str(first.to.mail), settings.mail)
    except Refused:
        MAILS.labels(first.template, "refused").inc()
        await _remember_refusal(db, telling)
    else:
        MAILS.labels(first.template, "sent").inc()
        for each in telling:
            await _note_sent(db, each)


async def _ended(db: Db, occasion: Occasion) -> bool:
    """Whether there is no mail to send, after all."""
    if await is_over(db, occasion):
        await _close(db, occasion, DeliveryState.CANCELLED, ERASED)
    elif occasion.person and occasion.person.bounces:
        await _close(db, occasion, DeliveryState.BOUNCED, REFUSED)
    else:
        return False
    return True


def _is_held(occasion: Occasion) -> bool:
    """Keep what can wait until its digest, if the person wants one."""
    digest = Digest(occasion.person.digest or Digest.AT_ONCE) if occasion.person else Digest.AT_ONCE
    if occasion.delivery.held or digest is Digest.AT_ONCE or not can_wait(occasion.template):
        return False
    settings = Digests()
    occasion.delivery.held = True
    occasion.delivery.next_try = digest_moment(digest, occasion.now, settings.hour, settings.weekday)
    return True


async def _note_sent(db: Db, occasion: Occasion) -> None:
    delivery, match = occasion.delivery, occasion.match
    delivery.state, delivery.error = DeliveryState.SENT, None
    _forget_invited(occasion)
    if match and occasion.template is Template.INTRODUCTION:
        shown = [("Match", str(match.match_id)), *(("Contact", str(each.contact_id)) for each in occasion.others)]
        audit.record(db, "notify", f"mail {delivery.template}", shown, request=str(delivery.delivery_id))
        if occasion.is_partys and not [each for each in await _queued(db, delivery) if _is_partys(each)]:
            emit(db, IntroductionMade(version=1, **_pair(delivery)))


async def _remember_refusal(db: Db, occasions: Sequence[Occasion]) -> None:
    for each in occasions:
        if each.person:
            each.person.refused = each.person.mail
        await _close(db, each, DeliveryState.BOUNCED, REFUSED)


async def _close(db: Db, occasion: Occasion, state: DeliveryState, reason: str) -> None:
    """Send this one no more. An introduction that cannot reach one party, or tell of it, ends here for both."""
    occasion.delivery.state = state
    _forget_invited(occasion)
    if occasion.template is Template.INTRODUCTION and occasion.is_partys:
        for each in await _queued(db, occasion.delivery):
            each.state = DeliveryState.CANCELLED
        emit(db, IntroductionFailed(version=1, reason=reason, **_pair(occasion.delivery)))


def _forget_invited(occasion: Occasion) -> None:
    if isinstance(occasion.to, Invitation):
        occasion.to.mail = occasion.to.token = None


def _postpone(occasions: Sequence[Occasion], error: Exception) -> None:
    for each in occasions:
        if each.delivery.state == DeliveryState.QUEUED:
            each.delivery.tries += 1
            each.delivery.next_try = each.now + timedelta(seconds=wait(each.delivery.tries))
            each.delivery.error = type(error).__name__


async def _queued(db: Db, delivery: Delivery) -> Sequence[Delivery]:
    """The other mails of this match and kind that are still to be sent."""
    query = select(Delivery).where(
        col(Delivery.match_id) == delivery.match_id,
        col(Delivery.template) == delivery.template,
        col(Delivery.state) == DeliveryState.QUEUED,
        col(Delivery.delivery_id) != delivery.delivery_id,
    )
    return (await db.scalars(query)).all()


def _is_partys(delivery: Delivery) -> bool:
    return delivery.party in (Party.NEED, Party.PROPOSAL)


def _pair(delivery: Delivery) -> dict[str, UUID]:
    assert delivery.match_id
    assert delivery.need_id
    assert delivery.proposal_id
    return {"match_id": delivery.match_id, "need_id": delivery.need_id, "proposal_id": delivery.proposal_id}


def _ids(delivery: Delivery) -> dict[str, str]:
    return {name: str(value) for name, value in delivery if name.endswith("_id") and value is not None}
