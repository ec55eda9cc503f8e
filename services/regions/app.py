"""Regions: the regions' people and their needs, missions and what they bring home, the overview."""

from services.regions import api, contacts, drafts, leads, missions, overview, ties, workers
from services.regions.handlers import events
from services.regions.models import Contact
from shared.contacts import held
from shared.service import Service

regions = Service(
    name="regions",
    title="I2PCC regions",
    routers=[
        # drafts first: /needs/advice is no need's id.
        *(drafts.write, drafts.read),
        *(api.write, api.read),
        *(contacts.write, contacts.read),
        *(missions.write, missions.read),
        leads.write,
        *(ties.write, ties.read),
        overview.read,
    ],
    handlers=events,
    chores=[workers.close_overdue],
    held=held(Contact),
)

if __name__ == "__main__":
    regions.run()
