"""Matching: needs and proposals find each other."""

from services.matching import api, workers
from services.matching.handlers import events
from shared.service import Service

matching = Service(
    name="matching",
    title="I2PCC matching",
    routers=[api.write, api.read],
    handlers=events,
    # Two, so that one embeds while the other searches.
    workers=[workers.match_next, workers.match_next],
)

if __name__ == "__main__":
    matching.run()
