"""Which mails an event calls for, when each is sent, which id it has, and when a failed one is tried again."""

from datetime import UTC, datetime
from itertools import pairwise, product
from uuid import uuid4

import pytest

from services.notify.rules import (
    Party,
    Template,
    called_for,
    can_be_stopped,
    can_wait,
    delivery_id,
    digest_moment,
    holds,
    told_for,
    wait,
)
from shared.events import MatchEvent, MatchRetracted, MatchShortlisted, MatchState, MatchVetoed
from shared.vocabulary import Digest
from tests.facts import received

TUESDAY = datetime(2019, 3, 5, 6, 59, 59, tzinfo=UTC)


def test_a_mail_has_the_same_id_however_often_it_is_made() -> None:
    match = uuid4()
    made = {delivery_id(match, 3, Template.INTRODUCTION, Party.NEED) for _ in range(2)}
    assert len(made) == 1


def test_no_two_mails_share_an_id() -> None:
    kinds = list(product((uuid4(), uuid4()), (1, 2), Template, Party))
    assert len({delivery_id(*kind) for kind in kinds}) == len(kinds)


def test_a_failed_mail_is_tried_ever_more_rarely_and_at_least_once_an_hour() -> None:
    waits = [wait(tries) for tries in range(1, 20)]
    assert waits[0] <= 10
    assert all(one <= other for one, other in pairwise(waits))
    assert max(waits) == waits[-1] == 3_600


@pytest.mark.parametrize("kind", [MatchVetoed, MatchShortlisted, MatchRetracted])
def test_nobody_is_told_of_what_is_between_coordinators(kind: type[MatchEvent]) -> None:
    assert called_for(received(kind)) == ()


def test_the_leads_coordinators_are_told_and_of_an_introduction_those_of_all_members() -> None:
    provinces = ["limburg", "other", "antwerp", "limburg"]
    assert told_for(Template.ESCALATED, provinces) == ["limburg"]
    assert told_for(Template.INTRODUCTION, provinces) == ["limburg", "cleantech_flanders", "antwerp"]
    assert told_for(Template.TO_SHORTLIST, ["other"]) == ["cleantech_flanders"]


def test_what_cannot_wait_waits_for_no_digest() -> None:
    assert [each for each in Template if not can_wait(each)] == [
        Template.ESCALATED,
        Template.INTRODUCTION,
        Template.MEETING,
        Template.INVITATION,
        Template.PART_ASKED,
    ]


def test_who_unsubscribed_still_hears_of_introductions_meetings_and_invitations() -> None:
    assert [each for each in Template if not can_be_stopped(each)] == [
        Template.INTRODUCTION,
        Template.MEETING,
        Template.INVITATION,
        Template.PART_ASKED,
    ]


@pytest.mark.parametrize("state", MatchState)
def test_the_region_is_asked_only_while_it_can_answer(state: MatchState) -> None:
    assert holds(Template.PRESENTED, state) == holds(Template.REMINDED, state) == (state is MatchState.PRESENTED)
    assert holds(Template.TO_SHORTLIST, state) == (state is MatchState.FOUND)
    assert holds(Template.MEETING, state)


def test_the_daily_digest_is_at_seven() -> None:
    at_seven = datetime(2019, 3, 5, 7, tzinfo=UTC)
    assert digest_moment(Digest.DAILY, TUESDAY, 7, 0) == at_seven
    assert digest_moment(Digest.DAILY, at_seven, 7, 0) == datetime(2019, 3, 6, 7, tzinfo=UTC)


def test_the_weekly_digest_is_on_monday_at_seven() -> None:
    monday = datetime(2019, 3, 11, 7, tzinfo=UTC)
    assert digest_moment(Digest.WEEKLY, TUESDAY, 7, 0) == monday
    assert digest_moment(Digest.WEEKLY, monday, 7, 0) == datetime(2019, 3, 18, 7, tzinfo=UTC)


def test_who_wants_everything_at_once_waits_for_nothing() -> None:
    assert digest_moment(Digest.AT_ONCE, TUESDAY, 7, 0) == TUESDAY
