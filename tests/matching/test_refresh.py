"""A new background: taken from what is open, when there is enough of it, and everything is matched against it."""

from services.matching.current import current
from services.matching.life import LIVE
from services.matching.models import NeedCopy, ProposalCopy
from services.matching.refresh import LEAST, refresh
from services.matching.scoring.background import Side
from services.matching.scoring.reference import reference
from shared.db import Sessions
from shared.events import NeedClosed
from shared.vocabulary import Language
from tests.matching.sides import happen, matches, need, proposal, settle, store, waiting

TITLES = [text.title for text in reference() if text.language is Language.ENGLISH][: LEAST + 1]


async def test_of_few_texts_no_background_is_made(alone: Sessions) -> None:
    await happen(alone, need(), *(proposal() for _ in range(LEAST)))
    assert "fewer than" in await refresh(alone)
    assert (await current(alone)).version == 0
    assert await waiting(alone) == []


async def test_what_is_open_becomes_the_background_and_everything_is_matched_against_it(alone: Sessions) -> None:
    needs = [need(title=title) for title in TITLES]
    proposals = [proposal(title=title) for title in TITLES[:LEAST]]
    await store(alone, *needs, *proposals, need(NeedClosed, need_id=needs[-1].need_id, version=2))
    await settle(alone)
    before = await current(alone)

    assert f"Background 1 is of {2 * LEAST} texts" in await refresh(alone)
    now = await current(alone)
    assert (now.version, now.background.excess) == (1, 0)
    ours = len(before.background.corpus(Side.NEED, Language.ENGLISH).texts)
    assert len(now.background.corpus(Side.NEED, Language.ENGLISH).texts) == ours + LEAST

    await settle(alone)
    async with alone() as db:
        assert (await db.get_one(NeedCopy, needs[0].need_id)).background == 1
        assert (await db.get_one(ProposalCopy, proposals[0].proposal_id)).background == 1
    live = [match for match in await matches(alone) if match.state in LIVE]
    assert live
    assert {match.model for match in live} == {now.model}


async def test_one_background_takes_the_place_of_the_other(alone: Sessions) -> None:
    await store(alone, *(need() for _ in range(LEAST)), *(proposal() for _ in range(LEAST)))
    assert "Background 1" in await refresh(alone)
    assert "Background 2" in await refresh(alone)
    assert (await current(alone)).version == 2
