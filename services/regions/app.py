"""Regions: the regions' people and their needs."""

from services.regions import api
from shared.service import Service

regions = Service(name="regions", title="I2PCC regions", routers=[api.write, api.read])

if __name__ == "__main__":
    regions.run()
