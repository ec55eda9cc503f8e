"""What regions notes of the events it hears."""

from uuid import uuid4

import pytest

from services.regions.handlers import keep_matches
from services.regions.models import MatchCopy
from shared.db import Db
from shared.events import MatchAccepted, MatchFound, MatchPresented
from tests.facts import received


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
async def test_the_newest_state_of_a_match_is_held_in_whatever_order_a_batch_has_them(
    db: Db, order: tuple[int, ...]
) -> None:
    match, kinds = uuid4(), {1: (MatchFound, "found"), 2: (MatchPresented, "presented"), 3: (MatchAccepted, "accepted")}
    batch = [received(kind, match_id=match, version=at, state=state) for at in order for kind, state in [kinds[at]]]
    await keep_matches(batch, db)
    held = await db.get_one(MatchCopy, match)
    assert (held.version, held.state, held.region) == (3, "accepted", batch[0].region)
    assert held.need_id == batch[0].need_id
