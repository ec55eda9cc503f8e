"""Intake: companies and their proposals."""

from services.intake import api, contacts
from services.intake.models import Contact
from shared.contacts import held
from shared.service import Service

intake = Service(
    name="intake",
    title="I2PCC intake",
    routers=[api.write, api.read, contacts.write, contacts.read],
    held=held(Contact),
)

if __name__ == "__main__":
    intake.run()
