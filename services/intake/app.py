"""Intake: companies and their proposals."""

from services.intake import api
from shared.service import Service

intake = Service(name="intake", title="I2PCC intake", routers=[api.write, api.read])

if __name__ == "__main__":
    intake.run()
