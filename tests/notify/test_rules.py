"""Which id a mail has, and when a failed one is tried again."""

from itertools import pairwise, product
from uuid import uuid4

from services.notify.rules import Party, Template, delivery_id, wait


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
