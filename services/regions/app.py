"""Regions: the regions' people and their needs."""

from services.regions import api, contacts
from services.regions.models import Contact
from shared.contacts import held
from shared.service import Service

regions = Service(
    name="regions",
    title="I2PCC regions",
    routers=[api.write, api.read, contacts.write, contacts.read],
    held=held(Contact),
)

if __name__ == "__main__":
    regions.run()
