"""Matching: needs and proposals find each other."""

from services.matching import (
    api,
    clock,
    coverage,
    explanation,
    misses,
    parts,
    presentation,
    suggestions,
    tiers,
    workers,
)
from services.matching.handlers import events
from services.matching.metrics import Matches
from shared.service import Service

matching = Service(
    name="matching",
    title="I2PCC matching",
    routers=[
        *(api.write, api.read, presentation.write, presentation.read, tiers.read, misses.read, parts.read),
        *(explanation.read, coverage.read, suggestions.read),
    ],
    handlers=events,
    measures=[Matches()],
    # Two, so that one embeds while the other searches.
    workers=[workers.match_next, workers.match_next],
    chores=[clock.sweep],
)

if __name__ == "__main__":
    matching.run()
